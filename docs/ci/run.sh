#!/bin/sh
# run.sh EMULATOR CPUS: one run on a fresh Debian, as root. EMULATOR: qemu (its SVM), or kvm (the host's
# virtualization, if /dev/kvm offers guests any). ASSAY_IMAGE: URL of a released assay.img; without it
# the image is built. Status 0: every test passed, was skipped, or failed as this version is known to;
# 1: another failed; 2: no report; 3: what was asked for could not run.
set -eu
cd "$(dirname "$0")/../.."
emulator=$1 cpus=$2

if [ "$emulator" = kvm ] && ! cat /sys/module/kvm_intel/parameters/nested \
    /sys/module/kvm_amd/parameters/nested 2>/dev/null | grep -q '^[Y1]'; then
    echo 'KVM here offers guests no virtualization: nothing was tested'
    exit 3
fi
sh tests/run/packages.sh build qemu
if [ -n "${ASSAY_IMAGE:-}" ]; then
    mkdir -p build
    curl -fsSL -o build/assay.img "$ASSAY_IMAGE"
else
    make all
fi
exec python3 tests/run/run.py --build build --emulator "$emulator" --cpus "$cpus" --limit 1200

#!/bin/sh
# chroot.sh SUITE ROOT BUILD [OPTION...]: matrix.py with another Debian suite's emulators and
# firmware, or, where SUITE ends with -virtualbox, with its VirtualBox. The first time debootstrap
# brings them into ROOT. Run as root; nothing outside ROOT changes but docs/matrix.md.
set -eu
suite=$1 root=$2 build=$3
shift 3
here=$(dirname "$0")
. "$here/root.sh"

components=main purpose=run others='qemu-system-x86 efi-shell-x64'
case $suite in *-virtualbox)
    suite=${suite%-virtualbox} components=main,contrib purpose=virtualbox others=
    set -- --virtualbox --jobs 1 "$@" # a processor has as much to do as one of the machine's
esac

make_emulators() {
    make_root "$suite" "$root" "$components" python3,mtools
    for package in $(sed -n "s/^$purpose  *\([^ ]*\).*/\1/p" "$here/packages.txt") $others; do
        # Not every suite has every one of them.
        chroot "$root" apt-cache show "$package" >/dev/null 2>&1 && echo "$package"
    done | xargs chroot "$root" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install >>"$root.log" 2>&1 || {
        tail -n 5 "$root.log" >&2
        exit 1
    }
    chroot "$root" apt-get clean
    touch "$root/made"
}

[ -e "$root/made" ] || make_emulators
rm -rf "$root/assay/tests" "$root/assay/docs"
mkdir -p "$root/assay/build" "$root/assay/tests" "$root/assay/docs"
cp -R tests/run "$root/assay/tests"
cp docs/matrix.md "$root/assay/docs"
cp "$build/assay.img" "$build/spoil.efi" "$root/assay/build"
status=0
in_root "$root" /assay python3 tests/run/matrix.py "$@" || status=$?
cp "$root/assay/docs/matrix.md" docs/matrix.md
exit $status

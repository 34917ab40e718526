#!/bin/sh
# chroot.sh SUITE FOLDER: another Debian suite's emulators and firmware in FOLDER, by debootstrap.
# The mirror is the one that this machine's own apt uses. Run as root; nothing outside FOLDER changes.
set -eu
suite=$1 root=$2
here=$(dirname "$0")
[ "$(id -u)" = 0 ] || { echo 'debootstrap needs root' >&2; exit 1; }
[ ! -e "$root/made" ] || exit 0

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
[ -n "$mirror" ] || { echo 'apt knows no mirror' >&2; exit 1; }
packages="$(sed -n 's/^run  *\([^ ]*\).*/\1/p' "$here/packages.txt") mtools qemu-system-x86"

rm -rf "$root"
echo "Making $suite in $root"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 5 "$root.log" >&2
    exit 1
}
for package in $packages; do # not every suite has every one of them
    chroot "$root" apt-cache show "$package" >/dev/null 2>&1 && echo "$package"
done | xargs chroot "$root" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends install >>"$root.log" 2>&1 || {
    tail -n 5 "$root.log" >&2
    exit 1
}
chroot "$root" apt-get clean
touch "$root/made"

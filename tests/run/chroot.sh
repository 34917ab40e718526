#!/bin/sh
# chroot.sh SUITE FOLDER BUILD [OPTION...]: matrix.py with another Debian suite's emulators and
# firmware, or, where SUITE ends with -virtualbox, with its VirtualBox. The first time debootstrap
# brings them into FOLDER, from the mirror that this machine's own apt uses. Run as root; nothing
# outside FOLDER changes but docs/matrix.md.
set -eu
suite=$1 root=$2 build=$3
shift 3
here=$(dirname "$0")
[ "$(id -u)" = 0 ] || { echo 'debootstrap needs root' >&2; exit 1; }

components=main purpose=run others='qemu-system-x86 efi-shell-x64'
case $suite in *-virtualbox)
    suite=${suite%-virtualbox} components=main,contrib purpose=virtualbox others=
    set -- --virtualbox --jobs 1 "$@" # a processor has as much to do as one of the machine's
esac

make_root() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    [ -n "$mirror" ] || { echo 'apt knows no mirror' >&2; exit 1; }
    packages="$(sed -n "s/^$purpose  *\([^ ]*\).*/\1/p" "$here/packages.txt") python3 mtools $others"

    rm -rf "$root"
    echo "Making $suite in $root"
    debootstrap --variant=minbase --components="$components" "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
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
}

[ -e "$root/made" ] || make_root
rm -rf "$root/assay/tests" "$root/assay/docs"
mkdir -p "$root/assay/build" "$root/assay/tests" "$root/assay/docs"
cp -R tests/run "$root/assay/tests"
cp docs/matrix.md "$root/assay/docs"
cp "$build/assay.img" "$build/spoil.efi" "$root/assay/build"
status=0
# What is mounted is gone when the last program in the namespace ends.
unshare --mount --pid --fork --kill-child sh -eu -c '
    root=$1
    shift
    mount -t proc proc "$root/proc"
    mount -t devpts -o ptmxmode=666 devpts "$root/dev/pts"
    exec chroot "$root" sh -c "cd /assay && exec python3 tests/run/matrix.py \"\$@\"" sh "$@"
' sh "$root" "$@" || status=$?
cp "$root/assay/docs/matrix.md" docs/matrix.md
exit $status

# Debian suites in folders of their own, for chroot.sh and fresh.sh, which source this file.

[ "$(id -u)" = 0 ] || { echo 'debootstrap needs root' >&2; exit 1; }

# make_root SUITE ROOT COMPONENTS PACKAGES: what debootstrap says is in ROOT.log. The mirror is the
# one that this machine's own apt uses.
make_root() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    [ -n "$mirror" ] || { echo 'apt knows no mirror' >&2; exit 1; }
    rm -rf "$2"
    echo "Making $1 in $2"
    debootstrap --variant=minbase --components="$3" --include="$4" "$1" "$2" "$mirror" >"$2.log" 2>&1 || {
        tail -n 5 "$2.log" >&2
        exit 1
    }
}

# in_root ROOT FOLDER PROGRAM [ARGUMENT...]: what is mounted is gone when its last program ends.
in_root() {
    unshare --mount --pid --fork --kill-child sh -eu -c '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount -t devpts -o ptmxmode=666 devpts "$root/dev/pts"
        mount -t tmpfs tmpfs "$root/dev/shm"
        exec chroot "$root" sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$@"
    ' sh "$@"
}

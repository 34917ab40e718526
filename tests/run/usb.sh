#!/bin/sh
# usb.sh IMAGE DEVICE: writes the image to a stick, after making sure that it is one.
# CHECK=only writes nothing, and needs no image. FORCE=1 overrides "mounted" and "not removable". SYSFS and MOUNTS are for the harness's tests.
set -eu
image=$1 device=${2:-}
sysfs=${SYSFS:-/sys} mounts=${MOUNTS:-/proc/self/mounts}

refuse() {
    echo "$1" >&2
    exit 1
}
unless_forced() {
    [ "${FORCE:-}" = 1 ] || refuse "$1 FORCE=1 writes all the same."
}

[ -n "$device" ] || refuse 'Which device? make usb DEV=/dev/sdX (lsblk lists them)'
[ -e "$device" ] || refuse "$device does not exist."
device=$(readlink -f "$device") # /dev/disk/by-id/... is welcome
[ "$(stat -c %F "$device")" = 'block special file' ] || refuse "$device is not a block device."
name=${device##*/}
block=$sysfs/class/block/$name
[ -d "$block" ] || refuse "The kernel knows no block device $name."
[ ! -e "$block/partition" ] || refuse "$device is a partition; name the whole device."

for part in "$block" "$block/$name"*; do
    [ -d "$part" ] || continue
    part=${part##*/}
    if grep -q "^/dev/$part / " "$mounts"; then refuse "$device holds the running system."; fi
    if grep -q "^/dev/$part " "$mounts"; then
        unless_forced "/dev/$part is mounted on $(sed -n "s|^/dev/$part \([^ ]*\) .*|\1|p" "$mounts" | head -n 1)."
    fi
    for holder in "$sysfs/class/block/$part/holders/"* "$block/$part/holders/"*; do
        [ ! -e "$holder" ] || unless_forced "/dev/$part is in use by ${holder##*/}."
    done
done
[ "$(cat "$block/removable")" = 1 ] || unless_forced "$device is not removable."
bytes=$(($(cat "$block/size") * 512))
[ "${CHECK:-}" != only ] || exit 0 # before the build, which takes longer than the question
[ "$bytes" -ge "$(stat -c %s "$image")" ] || refuse "$device has $bytes bytes: too small."

echo "Writing $image to $device ($(cat "$block/device/model" 2>/dev/null || echo 'no model name'), $((bytes / 1000000)) MB)"
dd if="$image" of="$device" bs=1M conv=fsync status=none
cmp -n "$(stat -c %s "$image")" "$image" "$device"
echo 'Written and read back. It boots on any x86-64 machine with UEFI and Secure Boot turned off.'

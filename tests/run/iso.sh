#!/bin/sh
# iso.sh ISO EFI_FILE STARTUP_NSH: one file for CD, stick, Ventoy and virtual media.
#
# El Torito for UEFI, and a GPT that has the same FAT volume as an EFI system partition, so that the
# file is a disk as well. A CD cannot be written: there the report is on the console only.
set -eu
iso=$1 efi=$2 startup=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fat=$work/efi.img
mkdir -p "$work/tree/EFI/BOOT"
export MTOOLS_SKIP_CHECK=1
truncate -s 8M "$fat"
mformat -i "$fat" -N 41535342 -v ASSAY -h 16 -s 32 -t 32 ::
mmd -i "$fat" ::/EFI ::/EFI/BOOT ::/ASSAY
mcopy -i "$fat" "$efi" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$fat" "$efi" ::/assay.efi
mcopy -i "$fat" "$startup" ::/startup.nsh
cp "$efi" "$work/tree/EFI/BOOT/BOOTX64.EFI"
cp "$efi" "$work/tree/assay.efi"
cp "$startup" "$work/tree/startup.nsh"
find "$work/tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
xorriso -as mkisofs -quiet -o "$iso" -V ASSAY -J -r \
    -append_partition 2 0xef "$fat" -appended_part_as_gpt --gpt_disk_guid modification-date \
    -e --interval:appended_partition_2:all:: -no-emul-boot -partition_offset 16 \
    --set_all_file_dates "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)" \
    --modification-date="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)" \
    "$work/tree" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }

#!/bin/sh
# image.sh IMAGE EFI_FILE STARTUP_NSH: makes a bootable disk and stick image without root.
#
# GPT with a protective MBR, one EFI system partition at 1 MiB, which is FAT32 because that is
# what every firmware reads from a stick. All identifiers are fixed and all dates come from
# SOURCE_DATE_EPOCH, so that the same input gives the same bytes.
set -eu
image=$1 efi=$2 startup=$3
PATH=$PATH:/usr/sbin:/sbin # sfdisk is there, and not in every user's PATH

# Whole cylinders of 16 heads x 63 sectors: an emulator that computes the size from them agrees.
sectors=98784
first=2048
count=94208
fat="$image.tmp@@$((first * 512))"

rm -f "$image.tmp"
truncate -s $((sectors * 512)) "$image.tmp"
sfdisk --quiet "$image.tmp" <<END
label: gpt
label-id: 41535341-5900-4D42-8000-000000000001
start=$first, size=$count, type=U, uuid=41535341-5900-4D42-8000-000000000002, name="ASSAY"
END

export MTOOLS_SKIP_CHECK=1
mformat -i "$fat" -F -c 1 -T $count -h 16 -s 63 -H $first -N 41535341 -v ASSAY ::
mmd -i "$fat" ::/EFI ::/EFI/BOOT ::/ASSAY
mcopy -i "$fat" "$efi" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$fat" "$efi" ::/assay.efi
mcopy -i "$fat" "$startup" ::/startup.nsh
mv "$image.tmp" "$image"

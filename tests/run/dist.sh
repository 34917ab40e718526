#!/bin/sh
# dist.sh BUILD VERSION COMMIT FOLDER: the files of a release. The same commit gives the same bytes:
# fixed identifiers, dates from SOURCE_DATE_EPOCH, one thread for xz.
set -eu
build=$1 version=$2 commit=$3 out=$4
here=$(dirname "$0")
rm -rf "$out"
mkdir -p "$out"
cp "$build/assay.efi" "$build/assay" docs/report.schema.json docs/CHANGELOG.md "$out/"
xz --threads=1 --keep --stdout -6 "$build/assay.img" >"$out/assay.img.xz"
sh "$here/iso.sh" "$out/assay.iso" "$build/assay.efi" startup.nsh
python3 "$here/spdx.py" "$version" "$commit" "$out" >"$build/assay.spdx.json"
mv "$build/assay.spdx.json" "$out/"
(cd "$out" && sha256sum assay assay.efi assay.img.xz assay.iso assay.spdx.json CHANGELOG.md \
    report.schema.json >SHA256SUMS)
ls -l "$out"

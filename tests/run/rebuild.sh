#!/bin/sh
# rebuild.sh BUILD: builds the same sources again in another folder, at another time, and compares.
set -eu
build=$1
other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
mkdir "$other/a folder elsewhere"
cp -R Makefile startup.nsh efi core vmx svm tests "$other/a folder elsewhere/"
epoch=${SOURCE_DATE_EPOCH:-$(git -c safe.directory='*' log -1 --format=%ct 2>/dev/null || echo 1700000000)}
COMMIT=$(cut -d' ' -f2 "$build/version") # the copy has no git
export COMMIT
sleep 2 # FAT keeps times in steps of two seconds
(cd "$other/a folder elsewhere" && make SOURCE_DATE_EPOCH="$epoch" BUILD=build all)
for file in assay.efi assay.img; do
    cmp "$build/$file" "$other/a folder elsewhere/build/$file"
done
echo 'assay.efi and assay.img are identical'

#!/bin/sh
# fresh.sh SUITE ROOT: the two commands of README.md on a fresh minimal Debian with git and make:
# `make run`, with its seconds, and `make test`, of what is committed here. Run as root; nothing
# outside ROOT changes.
set -eu
suite=$1 root=$2
. "$(dirname "$0")/root.sh"

make_root "$suite" "$root" main git,make
git clone -q . "$root/assay"
# A suite's list may be older than it says it may be where the mirror is a copy.
echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90-copy"
start=$(date +%s)
in_root "$root" /assay make run
echo "make run: $(($(date +%s) - start)) seconds"
in_root "$root" /assay make test

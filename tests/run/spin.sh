#!/bin/sh
# spin.sh BUILD [quick]: searches every interleaving of tests/host/vm/mailbox.pml, which must hold; then
# takes parts of the protocol away, one at a time, and each time expects Spin to find an error.
# quick leaves the larger of the two searches out.
set -eu
model=$PWD/tests/host/vm/mailbox.pml
mkdir -p "$1/spin"
cd "$1/spin"

search() { # defines...: prints pan's lines about errors and size
    spin "$@" -a "$model" >/dev/null
    "${CC:-cc}" "$optimize" -w -DSAFETY -DMEMLIM=3000 -o pan pan.c
    ./pan -m100000 -n >pan.out
    grep -q '^pan: elapsed' pan.out
    sed -n 's/.*errors: \([0-9]*\).*/errors: \1/p; s/^ *\([0-9]*\) states, stored/states: \1/p' pan.out
}

failed=0
expect() { # errors, defines...
    wanted=$1
    shift
    found=$(search "$@" | tr '\n' ' ')
    case $found in
    "errors: $wanted "*) echo "ok      spin $* $found" ;;
    *) echo "FAILED  spin $* $found: expected errors: $wanted"; failed=1 ;;
    esac
}

optimize=-O2
[ "${2:-}" = quick ] || expect 0 -DSENDERS=2 -DMESSAGES=2
expect 0 -DSENDERS=3 -DMESSAGES=1
optimize=-O0 # these end at once
for part in $(sed -n 's/^#if[n]*def \([A-Z]*_[A-Z_]*\)$/\1/p' "$model" | sort -u); do
    expect 1 "-D$part"
done
exit $failed

#!/bin/sh
# asked.sh EMULATOR CPUS MEMORY BOOT: refuses what no run can be, before anything is installed.
refuse() {
    echo "$*" >&2
    exit 2
}

number() { # NAME VALUE LEAST
    case $2 in '' | *[!0-9]* | ??????*) refuse "$1 is a number, not '$2'" ;; esac
    [ "$2" -ge "$3" ] || refuse "$1 must be at least $3"
}

case $1 in bochs | qemu | kvm) ;; *) refuse "EMULATOR is bochs, qemu or kvm, not '$1'" ;; esac
number CPUS "$2" 1
number MEMORY "$3" 50 # MiB; the firmware has no room for the image in less
case $4 in disk | usb) ;; *) refuse "BOOT is disk or usb, not '$4'" ;; esac

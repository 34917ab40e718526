#!/bin/sh
# packages.sh PURPOSE...: installs the packages of packages.txt that are missing, saying which and
# why. Plain sh, because a fresh machine has neither python nor a compiler. INSTALL=no skips it.
set -eu
[ "${INSTALL:-yes}" = yes ] || exit 0
list=$(dirname "$0")/packages.txt

wanted() { # lines "package why" of the given purposes
    for purpose; do sed -n "s/^$purpose  *//p" "$list"; done
}

add_optional() { # to $missing, those of the given purposes that apt knows
    for purpose; do
        for package in $(wanted "$purpose+" | cut -d' ' -f1); do
            case " $missing " in *" $package "*) continue ;; esac
            installed "$package" || ! apt-cache show "$package" >/dev/null 2>&1 ||
                missing="$missing $package"
        done
    done
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# ID and ID_LIKE may be quoted, and ID_LIKE has several words. OS_RELEASE is for the tests.
like_debian() {
    sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' "${OS_RELEASE:-/etc/os-release}" 2>/dev/null |
        tr -d "\"'" | tr ' ' '\n' | grep -qx debian
}

if ! like_debian || ! command -v dpkg-query >/dev/null; then
    echo 'Neither Debian nor like it, so nothing is installed. Needed, by Debian package name:'
    wanted "$@" | sed 's/^/  /'
    echo 'Where apt has these names, this line installs them:'
    echo "  apt-get install --no-install-recommends $(wanted "$@" | cut -d' ' -f1 | tr '\n' ' ')"
    echo 'Elsewhere install what gives the same programs; then run the same command with INSTALL=no.'
    exit 1
fi >&2

missing=
for package in $(wanted "$@" | cut -d' ' -f1); do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || add_optional "$@"
[ -n "$missing" ] || exit 0

echo 'Installing the Debian packages that are missing:'
for package in $missing; do
    wanted "$@" $(printf '%s+ ' "$@") | sed -n "s/^$package  */  $package: /p"
done

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    command -v sudo >/dev/null || {
        echo "Neither root nor sudo; as root, run: apt-get install$missing" >&2
        exit 1
    }
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The environment goes through env because sudo would drop it. What apt says is for its failures.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 || {
        tail -n 15 "$log" >&2
        echo "apt-get $1 failed." >&2
        exit 1
    }
}
apt update
add_optional "$@" # in a new container apt has known nothing until now
apt install --no-install-recommends $missing
echo 'Installed.'

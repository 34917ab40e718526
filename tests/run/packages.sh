#!/bin/sh
# packages.sh PURPOSE...: installs the packages of packages.txt that are missing, saying which and
# why. Plain sh, because a fresh machine has neither python nor a compiler. INSTALL=no skips it.
set -eu
[ "${INSTALL:-yes}" = yes ] || exit 0
list=$(dirname "$0")/packages.txt

wanted() { # lines "package why" of the given purposes
    for purpose; do sed -n "s/^$purpose  *//p" "$list"; done
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! grep -qs '^ID=debian$' /etc/os-release; then
    echo 'This is not Debian, so nothing is installed. Needed, by Debian package name:'
    wanted "$@" | sed 's/^/  /'
    echo 'With these in place, run the same command with INSTALL=no.'
    exit 1
fi >&2

missing=
for package in $(wanted "$@" | cut -d' ' -f1); do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo 'Installing the Debian packages that are missing:'
for package in $missing; do wanted "$@" | sed -n "s/^$package  */  $package: /p"; done

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    command -v sudo >/dev/null || {
        echo "Neither root nor sudo; as root, run: apt-get install$missing" >&2
        exit 1
    }
fi
apt() { # the environment goes through env because sudo would drop it
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}
apt update
apt install --no-install-recommends $missing

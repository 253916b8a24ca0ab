# shellcheck shell=bash
# Makes bare Debian roots from the mirror that apt has here: $mirror; $http_proxy is apt's. Ends the test with status 77 where nobody may. Sourced
# behind tests/tools/test.sh.
#
#   make_root RELEASE FOLDER    what debootstrap says is in FOLDER.made
[ "$(id -u)" = 0 ] || { echo "skipped: only root can make a bare root"; exit 77; }
command -v debootstrap >/dev/null || fail "debootstrap is missing: tools/deps long installs it"
mirror=$(apt-cache policy libc6 | awk '$3 ~ "/main$" && $2 ~ "/debian/?$" { print $2; exit }')
mirror=${mirror:-http://deb.debian.org/debian}
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
make_root() {
    debootstrap --variant=minbase "$1" "$2" "$mirror" >"$2.made" 2>&1 || { tail "$2.made"; fail "debootstrap of $1 from $mirror"; }
}

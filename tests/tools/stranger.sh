# shellcheck shell=bash
# Helpers for tests in which user nobody works against root's recording (tests/security/stranger.c). Sourced; needs root.

. "$SOURCE/tests/tools/test.sh"
stranger=$BUILD/tests/security/stranger
. "$SOURCE/tests/tools/processes.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "only root can be somebody else: nothing was tried"
    exit 0
fi

fail() { echo "${security_case-}: $*"; exit 1; }

# The abstract name at which the process $1 listens, as everybody can read it.
name_of() {
    local inodes
    inodes=$(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n')
    awk -v inodes="$inodes" 'BEGIN { split(inodes, list, "\n"); for (i in list) mine[list[i]] = 1 }
        $7 in mine && $8 ~ /^@hakmem-/ { print substr($8, 2); exit }' /proc/net/unix
}

# Nobody got anything: neither memory nor a word.
nothing_got() {
    ! grep -E '^(memory|bytes)' "$1" || fail "the stranger was given something (docs/specs/ring.md, Handshake)"
}

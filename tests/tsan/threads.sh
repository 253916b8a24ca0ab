#!/usr/bin/env bash
# The thread sanitizer finds nothing in the layers under threads that allocate, free each other's blocks, end,
# begin and trim, with the fronts as they are by default and with others; and it does see a race that the
# program itself makes. OPERATIONS: so many of each.
# timeout: 1800
set -u
BUILD=${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
threads=$BUILD/tests/tsan/threads
operations=${OPERATIONS:-20000}
unset "${!HAKMEM_@}"
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
export TSAN_OPTIONS="halt_on_error=1 exitcode=66 second_deadlock_stack=1"

# The sanitizer wants its addresses where they are without randomisation.
setarch -R "$threads" 2000 unordered >"$out" 2>&1
grep -q 'WARNING: ThreadSanitizer: data race' "$out" || {
    echo "a race of the program's own was not seen: $(tail -n 1 "$out")"
    exit 1
}

while read -r variables; do
    # shellcheck disable=SC2086
    env $variables setarch -R "$threads" "$operations" >"$out" 2>&1
    status=$?
    [ "$status" -eq 0 ] && [ "$(cat "$out")" = "came to the end" ] || {
        echo "with \"$variables\": status $status"
        head -n 40 "$out"
        exit 1
    }
done <<'END'

HAKMEM_TINY_MAGAZINE_ENABLE=1
HAKMEM_TINY_MAGAZINE_ENABLE=1 HAKMEM_TINY_HOT_RING_ENABLE=1
HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1 HAKMEM_TINY_FRONT_ENABLE_FC=1 HAKMEM_TINY_FRONT_ENABLE_SFC=1
HAKMEM_TINY_PROFILE=off HAKMEM_TINY_MAX_CLASS=3
HAKMEM_TINY_TENSION_DRAIN_THRESHOLD=1
HAKMEM_SUPERSLAB_REUSE=0 HAKMEM_SS_EMPTY_REUSE=0
HAKMEM_TINY_PRESET=ultra-tight
END

#!/usr/bin/env bash
# `reduce` of faults on pieces of no bytes: the sequence hands such a piece out, and its C program gives the code each time.
. "${SOURCE:?}/tests/tools/reduced.sh"
${CC:-cc} -g -O1 -Wall -Werror -I"$SOURCE/include" -o empty "$SOURCE/tests/reduce/empty.c" || fail 'empty.c does not compile'

# fault CASE CODE STEPS: reduces to no more than STEPS.
fault() {
    local row words
    env HAKMEM_GUARD_WATCH=off "$trace" run -f --check normal -s "$1.db" -- ./empty "$1" >/dev/null 2>&1
    row=$(reduced_store "$1" 2) || { complain "$row"; return; }
    read -ra words <<<"$row"
    [ "${words[1]}" = "HKM-$2" ] || complain "$1: ${words[1]}, expected HKM-$2"
    [ "${words[2]}" -le "$3" ] || complain "$1: ${words[2]} steps, at most $3 were expected: $(cat "$1.said")"
    grep -q '^1 pool-alloc [12] [0-9]* 0 ' "$1.said" || complain "$1: no piece of no bytes is handed out: $(cat "$1.said")"
    [ "${words[5]}" -eq 2 ] || complain "$1: ${words[5]} of 2 runs of its program give ${words[1]}"
}
fault twice 501 5
fault late 504 5
fault mismatch 502 6
fault moved 507 5
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Without hakmem a macro or a call that tells of a pool takes at most two instructions, one that is about accesses none: by callgrind, beside the same
# loop without it.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-gcc}" -O2 -I "$SOURCE/include/hakmem" -o cost "$SOURCE/tests/pools/cost.c" || exit 1
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null ./cost "$1" 2>&1 | sed -n 's/.*Collected : //p'
}
nothing=$(instructions nothing)
[ "${nothing:-0}" -gt 1000000 ] || fail "callgrind counts '$nothing'"
for does in alloc:2 free:2 change:2 trim:2 freelike:2 closed:0 alloc_guarded:2 free_guarded:2; do
    more=$((($(instructions "${does%:*}") - nothing + 500000) / 1000000))
    echo "$does: $more instructions"
    [ "$more" -eq "${does#*:}" ] || complain "${does%:*}: $more instructions a call, expected ${does#*:}"
done

#!/usr/bin/env bash
# Crash reports name two values beside their exact text, which leaves registers out: the number that
# was no address, and the fill of freed memory.
. "${SOURCE:?}/tests/tools/test.sh"

# says NAME PATTERN [VARIABLE=VALUE...]
says() {
    local name=$1 pattern=$2
    shift 2
    { env "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/crash/$name" >"$name.out" 2>&1; } 2>/dev/null
    grep -qE "$pattern" "$name.out" || complain "$name ($*): this is not said: $pattern" "$(cat "$name.out")"
}

if ! left_out no_address; then
    says no_address '^      r[a-z0-9]+ +0x6867666564636261( is the base of the address)?$'
    # The form of the fill in a register, and no block that it names: no more than a guess.
    says fill_used '^      r[a-z0-9]+ +0xdd958090a3b085dd is the pattern that fills freed memory(; the base of the address)?$'
    says fill_used '^  GUESS +the pointer was read from freed memory, or from a block that was not written to'
    says fill_used '^SUMMARY: hakmem: crash fill_used.c:[0-9]+ main signal=SIGSEGV'
fi
# The program goes on after an access to a closed page, and each place is told of once.
for guard in off sites:4 all; do
    says freed_twice '^main: the freed block was read 2 times$' HAKMEM_ON_FAULT=continue HAKMEM_GUARD=$guard
    [ "$(grep -c '^SUMMARY: hakmem: use-after-free freed_twice.c' freed_twice.out)" -eq 1 ] ||
        complain "freed_twice, $guard: one report is due: $(cat freed_twice.out)"
done

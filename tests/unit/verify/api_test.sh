#!/usr/bin/env bash
# A program that is linked with nothing of hakmem calls hakmem.h's functions where they are there, and runs where they
# are not; linked with the shared or the static library they are there; the header is C++, too.
. "${SOURCE:?}/tests/tools/test.sh"
cc=${CC:-cc}
flags=(-std=gnu11 -O0 -g -Wall -Wextra -Werror -I "$SOURCE/include")
program=$SOURCE/tests/unit/verify/api.c

# $1 the answer that is due, the rest is run.
answers() {
    local due=$1 got
    shift
    got=$("$@" 2>&1)
    [ "$got" = "$due" ] || fail "$*: '$got'; '$due' was due"
}

"$cc" "${flags[@]}" -o alone "$program" -lpthread || exit 1
answers absent ./alone
answers well env LD_PRELOAD="$BUILD/libhakmem.so" ./alone
answers well env HAKMEM_TRACE=off HAKMEM_GUARD=off LD_PRELOAD="$BUILD/hakmem-debug.so" ./alone
answers well env HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" ./alone guarded
answers well env HAKMEM_TRACE=off HAKMEM_CHECK=trace LD_PRELOAD="$BUILD/hakmem-debug.so" ./alone
answers well env HAKMEM_CHECK=light HAKMEM_GUARD=off HAKMEM_HEAP_PROFILE=0 LD_PRELOAD="$BUILD/hakmem-debug.so" ./alone
answers well "$BUILD/hakmem-trace" run --store api.db -- ./alone guarded
got=$("$BUILD/hakmem-trace" sql -s api.db "select group_concat(name, '|') as names from (select name from mark order by event)")
[ "$(tail -n 1 <<<"$got")" = 'owners|stats: a name that is longer than what fits one record of 32 bytes' ] ||
    fail "the table of marks holds '$got'"
"$BUILD/hakmem-trace" events -s api.db --kind MARK | grep -q 'mark "owners"$' ||
    fail "events names no mark"
"$cc" "${flags[@]}" -o shared "$program" -L"$BUILD" -Wl,-rpath,"$BUILD" -lhakmem -lpthread || exit 1
answers well ./shared
"$cc" "${flags[@]}" -o archive "$program" "$BUILD/libhakmem.a" -lpthread || exit 1
answers well ./archive
printf '#include <hakmem.h>\nint main() { return hak_verify ? static_cast<int>(hak_verify()) : 0; }\n' >one.cc
${CXX:-g++} -Wall -Wextra -Werror -I "$SOURCE/include" -o cxx one.cc || exit 1
answers '' ./cxx

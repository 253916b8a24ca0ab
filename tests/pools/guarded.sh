#!/usr/bin/env bash
# A pool that gives its pieces up to hakmem by hak_pool_alloc_guarded: each misuse of such a piece has its exact report, an overflow and a use behind
# its life at the instruction. A correct program with threads and a forked child is accused of nothing, whatever is guarded.
. "${SOURCE:?}/tests/tools/pools.sh"
begin_reports "$@"
cp "$SOURCE/tests/pools/guarded.c" .
for compiler in "clang -std=gnu11" "${CC:-gcc} -std=gnu11"; do
    $compiler -Wall -Wextra -Werror -Wshadow -g -O1 -pthread -I "$SOURCE/include" -o guarded guarded.c || complain "$compiler: guarded.c does not compile"
done
[ "$(./guarded correct)" = $'child: 0\nguarded: none' ] || complain "without hakmem: $(./guarded correct)"
for does in overflow twice late other inside leak; do
    said=$(./guarded $does 2>&1) && [ -z "$said" ] || complain "without hakmem: $does: status $?: $said"
done

# level, HAKMEM_GUARD, whether pieces are guarded
correct() {
    local said
    said=$(HAKMEM_CHECK=$1 HAKMEM_GUARD=$2 HAKMEM_LEAKS=error LD_PRELOAD=$BUILD/hakmem-debug.so ./guarded correct 2>&1) || complain "correct, $1, $2: status $?"
    [ "$said" = $'child: 0\nguarded: '"$3" ] || complain "correct, $1, $2: $said"
    return "$failed"
}
printf '%s\n' 'normal all some' 'normal sites:4 some' 'normal off none' 'trace all some' 'trace auto none' 'light auto none' | each_in_parallel correct || failed=1

printf '%s\n' overflow slack freed reset destroyed replaced twice late other inside free realloc leak | sed 's/^/guarded /' | each_in_parallel misuse || failed=1

# The pieces of an arena go with it, and keep what they point to.
said=$(HAKMEM_LEAKS=error LD_PRELOAD=$BUILD/hakmem-debug.so ./guarded arena 2>&1) && [ -z "$said" ] || complain "arena: $said"

# On after a fault: the pool still knows its piece, and none is closed twice.
for does in other inside free twice late; do
    HAKMEM_ON_FAULT=continue LD_PRELOAD=$BUILD/hakmem-debug.so ./guarded $does >page 2>&1 || complain "continue, $does: status $?: $(cat page)"
    [ "$(grep -c '^hakmem: HKM' page)" = 1 ] || complain "continue, $does: $(cat page)"
done

# The example: what is printed is the same without hakmem, and late use is stopped where it is.
for compiler in "clang++ -std=c++20" "${CXX:-g++} -std=c++17"; do
    $compiler -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -g -O1 -I "$SOURCE/include" -o request "$SOURCE/examples/pools/request/request.cpp" ||
        complain "$compiler: request.cpp does not compile"
done
[ "$(./request) $(./request late)" = '// //' ] || complain "request without hakmem: $(./request) $(./request late)"
said=$(HAKMEM_GUARD=all HAKMEM_LEAKS=error LD_PRELOAD=$BUILD/hakmem-debug.so ./request 2>&1) && [ "$said" = // ] || complain "request: $said"
{ LD_PRELOAD=$BUILD/hakmem-debug.so ./request late >page 2>&1; } 2>/dev/null && complain "request late ended well"
# log() is inlined into main(), and gcc says so from 13 on.
due='hakmem: HKM-304 use-after-free: (log\(\) request.cpp:22|main\(\) request.cpp:39) reads 1 byte at offset 0 of a 12-byte block freed by end\(\) request.cpp:19'
[[ $(grep -a '^hakmem:' page) =~ ^$due$ ]] || complain "request late: $(cat page)"
exit "$failed"

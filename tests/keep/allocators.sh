#!/usr/bin/env bash
# `run --allocator keep` over glibc, jemalloc, tcmalloc and mimalloc: what threads call, and in which order a block goes through them,
# is in the store as the program itself wrote it down; what it can see of the malloc family is what it sees without hakmem.
# timeout: 1200
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
family=$SOURCE/tests/family
c="${CC:-cc} -w -fno-builtin -O0 -g"

. "$SOURCE/tests/tools/mimalloc.sh"
declare -A library=([glibc]='' [jemalloc]=libjemalloc.so.2 [tcmalloc]=libtcmalloc_minimal.so.4 [mimalloc]=$mimalloc)
declare -A module=([glibc]=libc.so.6 [jemalloc]=libjemalloc.so.2 [tcmalloc]=libtcmalloc_minimal.so.4 [mimalloc]=$mimalloc)

# kept NAME ALLOCATOR PROGRAM...: prints what PROGRAM prints without hakmem, says nothing besides, and `check` finds nothing.
kept() {
    local name=$1 allocator=$2 status=0
    shift 2
    rm -f "$name.db"
    LD_PRELOAD=${library[$allocator]} "$@" >due 2>due_errors || status=$?
    [ "$status" -eq 0 ] || fail "$name alone, over $allocator: status $status: $(head -n 3 due_errors)"
    LD_PRELOAD=${library[$allocator]} "$trace" run --wait --allocator keep -s "$name.db" -- "$@" >said 2>errors ||
        fail "$name over $allocator: status $?: $(head -n 5 errors)"
    cmp -s due said || fail "$name over $allocator prints something else: $(diff due said | head -n 8)"
    [ ! -s errors ] || fail "$name over $allocator is not silent: $(head -n 3 errors)"
    "$trace" check -s "$name.db" >check 2>&1 || fail "$name over $allocator: check: $(head -n 5 check)"
    "$trace" layers -s "$name.db" >layers 2>&1 || fail "$name over $allocator: layers: $(tail -n 5 layers)"
    "$trace" sql -s "$name.db" "SELECT value FROM meta WHERE key GLOB 'allocator.*'" >modules
    grep -qE "/${module[$allocator]//./\\.}(\.[0-9.]+)?\$" modules || fail "$name over $allocator: the store names $(cat modules)"
}

for allocator in glibc jemalloc tcmalloc mimalloc; do
    kept own_log "$allocator" "$BUILD/tests/programs/own_log" 48 1000 own
    python3 "$SOURCE/tests/tools/own_log.py" "$BUILD/tests/tools/reference_decoder" own_log.db own >compared 2>&1 ||
        fail "own_log over $allocator: $(cat compared)"
done

# The visible results of the family are written down of glibc and libstdc++ (tests/family); without the caches of threads, for which glibc 2.43 takes
# memory at the first free. In a recorded process hakmem's is the first, and it decides what lies in malloc_trim's way.
$c -o calls "$family/calls.c" && g++ -std=c++17 -w -O0 -o operators "$family/operators.cpp" -lpthread &&
    g++ -std=c++17 -w -O0 -o replaced "$family/replaced.cpp" || fail "the programs of tests/family do not compile"
for program in calls operators replaced; do
    kept "$program" glibc env GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "./$program"
done

# Linked with another allocator whose own calls they use: blocks come from past the family, and go back by it.
$c -o private "$family/private.c" && $c '-DALLOCATE=mi_malloc(bytes)' -o mimalloc "$family/second.c" -l:"$mimalloc" &&
    $c '-DALLOCATE=tc_malloc(bytes)' -o tcmalloc "$family/second.c" -l:libtcmalloc_minimal.so.4 &&
    $c '-DALLOCATE=mallocx(bytes, 0)' -o jemalloc "$family/second.c" -l:libjemalloc.so.2 || fail "second.c does not compile"
"$trace" run --allocator keep -s private.db -- ./private >said 2>errors
[ $? -eq 2 ] && grep -q 'private has a malloc of its own inside, which comes before any other' errors ||
    fail "a program with a malloc inside it is not refused: $(head -n 2 errors)"
for allocator in jemalloc tcmalloc mimalloc; do
    library[$allocator]=''
    kept "$allocator" "$allocator" "./$allocator"
    "$trace" info -s "$allocator.db" | grep -q '^ *[0-9]* frees of blocks that were not seen to be taken, counted only$' ||
        fail "linked with $allocator: info does not count what came from past the family"
done
exit 0

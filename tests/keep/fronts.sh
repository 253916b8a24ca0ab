#!/usr/bin/env bash
# `run --allocator keep` over small allocators that are preloaded: one with a strdup and a strndup that do not call its malloc, one that has malloc, free, calloc and realloc and no malloc_usable_size,
# whose slack is not known; one that has aligned_alloc and no memalign, for operator new; wrappers that call `__libc_malloc` and its like.
# timeout: 300
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
kept=$BUILD/tests/keep/kept fronts=$SOURCE/tests/keep/fronts
c="${CC:-cc} -w -fno-builtin -O1 -g -fPIC -shared"
$c -o pages.so "$fronts/pages.c" && $c -DWITH_ALIGNED -o aligned.so "$fronts/pages.c" && $c -DWITH_COPIES -o copies.so "$fronts/pages.c" && g++ -std=c++17 -w -O0 -g -o aligned "$fronts/aligned.cpp" ||
    fail "the programs do not compile"
$c -o wrapper.so "$fronts/wrapper.c" && $c -DFREE_ONLY -o free_only.so "$fronts/wrapper.c" || fail "the wrappers do not compile"

# over FRONT PROGRAM...: FRONT is preloaded; the answer of `check` is good, and FRONT is in the store.
over() {
    local front=$1
    shift
    LD_PRELOAD=$PWD/$front "$trace" run --wait --allocator keep -f -s front.db -- "$@" >told 2>errors ||
        fail "$* over $front: status $?: $(head -n 3 errors)"
    [ ! -s errors ] || fail "$* over $front is not silent: $(head -n 3 errors)"
    "$trace" check -s front.db >answer 2>&1 || fail "$* over $front: check: $(head -n 5 answer)"
    "$trace" info -s front.db >answer 2>&1
    grep -qE "^allocator +/.*/$front, kept by 1 process\$" answer || fail "$* over $front: info says $(grep -A1 '^allocator' answer)"
}
where() { sed -n "s/^$1 //p" told; }
not_known() {
    "$trace" info -s front.db | grep -qE '^slack +not known of [0-9,]+ blocks: the allocator has no malloc_usable_size of its own$' ||
        fail "$1: info does not say that slack is not known: $("$trace" info -s front.db | grep -A1 '^slack')"
    "$trace" layers -s front.db | grep -qE '^Slack  not known of [0-9,]+ blocks: their allocator gives no sizes\.$' ||
        fail "$1: layers does not say that slack is not known"
    "$trace" info --json -s front.db >json
    python3 -c 'import json; kept = json.load(open("json"))["kept"]; assert kept["slack_bytes"] is None and kept["slack_not_known_blocks"] > 4, kept' ||
        fail "$1: info --json"
}

over aligned.so "$kept" story
not_known story
"$trace" why -s front.db "$(where held)" | grep -qE ' is the start of a block of 77 asked, live, 1 owner' || fail "why of a block that is held"
"$trace" why -s front.db "$(where freed)" | grep -qE ' is the start of a block of 24 asked, freed' || fail "why of a freed block"
over pages.so "$kept" fails
"$trace" why -s front.db "$(where block)" | grep -qE ' is the start of a block of 48 asked, live' || fail "why of a block that could not be resized"

# Copies of text are blocks as others are, whoever brings strdup.
for front in pages.so copies.so; do
    over $front "$kept" copies
    "$trace" why -s front.db "$(where whole)" | grep -qE ' is the start of a block of 22 asked, live, 1 owner' || fail "$front: why of strdup's copy"
    "$trace" why -s front.db "$(where whole)" | grep -qE '^  1 .* copies +kept\.c:' || fail "$front: the stack of strdup: $("$trace" why -s front.db "$(where whole)")"
    "$trace" why -s front.db "$(where part)" | grep -qE ' is the start of a block of 7 asked, live, 1 owner' || fail "$front: why of strndup's copy"
    "$trace" info -s front.db | grep -q 'frees of blocks that were not seen' && fail "$front: a free of a copy that was not seen"
done

# libstdc++ takes aligned_alloc: memalign's block would be glibc's, and free is not.
LD_PRELOAD=$PWD/aligned.so ./aligned >told || fail "operator new alone: status $?"
over aligned.so ./aligned
grep -qx 'remainders 0 0' told || fail "operator new: $(cat told)"
"$trace" events -s front.db --addr "$(where odd)" | grep -q 'aligned new(100)' || fail "operator new is not recorded: $("$trace" events -s front.db --addr "$(where odd)")"

# A wrapper's calls of __libc_malloc are not recorded beside the program's of malloc.
over wrapper.so "$kept" story
not_known wrapper
"$trace" why -s front.db "$(where held)" | grep -qE ' is the start of a block of 77 asked, live, 1 owner' || fail "wrapper: why of a block that is held"
[ "$("$trace" sql -s front.db "SELECT count(*) FROM event WHERE size = 333")" = 2 ] || fail "wrapper: a block has not two records"
over wrapper.so "$BUILD/tests/programs/own_log" 8 1000 own
python3 "$SOURCE/tests/tools/own_log.py" "$BUILD/tests/tools/reference_decoder" front.db own >compared 2>&1 || fail "own_log: $(cat compared)"

# Its free alone: malloc is glibc's, and has its sizes.
LD_PRELOAD=$PWD/free_only.so "$trace" run --wait --allocator keep -f -s front.db -- "$kept" story >told 2>errors ||
    fail "free_only: status $?: $(head -n 3 errors)"
"$trace" info -s front.db | grep -qE '^slack +[0-9].* beyond the bytes asked for' || fail "free_only: slack is not known"
"$trace" why -s front.db "$(where freed)" | grep -qE ' is the start of a block of 24 asked, freed' || fail "free_only: why of a freed block"
exit 0

#!/usr/bin/env bash
# The store's unit tests and the broken stores again, under clang's address and undefined sanitizers. A store whose chunks are broken is
# asked for its events, another one for all else. FULL=1: also the four unit tests that make the largest stores, each case in a process of
# its own; and of every store all three.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
made=$BUILD/sanitized
tests=()
for source in "$SOURCE"/tests/unit/base/*_test.c "$SOURCE"/tests/unit/store/{,*/}*_test.c; do
    name=${source#"$SOURCE/"}
    case "${FULL:-0} $name" in 0*/alive_test.c | 0*/flow_test.c | 0*/profile_test.c | 0*/runs_test.c) ;; *) tests+=("${name%.c}") ;; esac
done
# One program, which has a name for each test, like that of the build without sanitizers.
"$SOURCE/tests/tools/sanitized.sh" libstore.a "${tests[@]}" >made 2>&1 || { tail -n 20 made; exit 1; }
nm "$made/libstore.a" | grep -q __asan_report && nm "$made/${tests[0]}" | grep -q __asan_report || fail "not built with sanitizers"
# Freed memory is kept for a while only, and shadow is cleared where it lies: to touch ever new pages would take half of the time.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=8:clear_shadow_mmap_threshold=1000000000
# A fork for each case would copy the shadow's page tables, and look for leaks each time.
[ "${FULL:-0}" = 1 ] || export CK_FORK=no
for test in "${tests[@]}"; do
    "$made/$test" >out 2>&1 || complain "$test fails under the sanitizers" "$(grep -vE '^[0-9]+%|^Running' out | head -n 40)"
done
clang -std=gnu11 -gline-tables-only -D_GNU_SOURCE -iquote "$SOURCE/src" -iquote "$SOURCE/tests" -fsanitize=address,undefined \
    -fno-sanitize-recover=all -o dump_store "$SOURCE/tests/format/dump_store.c" "$made"/host/src/report/{text,words}/unit.o "$made/libstore.a" \
    -lsqlite3 -lzstd -lpthread -ljansson || exit 1
mkdir stores
for golden in "$SOURCE"/tests/format/v*/golden.db; do
    "$BUILD/tests/format/make_broken" "$golden" stores || exit 1
done
# dump MODE STORE...: all in one process, since a start takes longer than most of them.
dump() {
    ./dump_store ${1:+"$1"} "${@:2}" >/dev/null 2>out
    if [ $? -gt 1 ] || grep -q 'Sanitizer\|runtime error' out || [ "$(grep -c '^stores/.*:$' out)" -ne $(($# - 1)) ]; then
        tail -n 40 out
        echo "dump_store $1 fails under the sanitizers"
        failed=1
    fi
}
if [ "${FULL:-0}" = 1 ]; then
    for mode in --events --check ''; do dump "$mode" stores/*.db; done
else
    of_chunks=() others=()
    for store in stores/*.db; do
        case ${store##*/} in
        chunk* | column* | codec* | packing* | raw* | packed* | zstd* | dictionary*) of_chunks+=("$store") ;;
        *) others+=("$store") ;;
        esac
    done
    dump --events "${of_chunks[@]}"
    dump '' "${others[@]}"
fi
exit "$failed"

#!/usr/bin/env bash
# The store's unit tests and the broken stores again, under clang's address and undefined sanitizers. FULL=1: also the three unit tests
# that make the largest stores.
# timeout: 1800
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
sanitizers=address,undefined
flags=(-std=gnu11 -O1 -g -D_GNU_SOURCE -iquote "$top/src" -iquote "$top/tests"
    -fsanitize="$sanitizers" -fno-sanitize-recover=all)
libraries=(-lsqlite3 -lzstd -lpthread -ljansson)
check=(-lcheck_pic -lsubunit -lrt -lm)
objects=()
for source in "$top"/src/base/*.c "$top"/src/store/{,*/}*.c "$top"/src/report/{text,words}/*.c "$top"/src/metrics/{names,step}.c "$top/src/size_class.c"; do
    object=$(basename "$(dirname "$source")").$(basename "$source" .c).o
    clang "${flags[@]}" -c -o "$object" "$source" || exit 1
    objects+=("$object")
done
# Freed memory is kept for a while only: to touch ever new pages would take half of the time.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=8
status=0
for source in "$top"/tests/unit/base/*_test.c "$top"/tests/unit/store/{,*/}*_test.c; do
    name=$(basename "$source" .c)
    case "${FULL:-0} $name" in 0*' alive_test' | 0*' flow_test' | 0*' profile_test') continue ;; esac
    clang "${flags[@]}" -o "$name" "$source" "${objects[@]}" "${check[@]}" "${libraries[@]}" || exit 1
    ./"$name" >out 2>&1 || {
        grep -vE '^[0-9]+%|^Running' out | head -n 40
        echo "$name fails under the sanitizers"
        status=1
    }
done
clang "${flags[@]}" -o dump_store "$top/tests/format/dump_store.c" "${objects[@]}" "${libraries[@]}" || exit 1
mkdir stores
for golden in "$top"/tests/format/v*/golden.db; do
    "$BUILD/tests/format/make_broken" "$golden" stores || exit 1
done
for store in stores/*.db; do
    for mode in --events --check ''; do
        ./dump_store ${mode:+$mode} "$store" >/dev/null 2>out
        if [ $? -gt 1 ] || grep -q 'Sanitizer\|runtime error' out; then
            head -n 30 out
            echo "$store: dump_store $mode fails under the sanitizers"
            status=1
        fi
    done
done
exit $status

#!/usr/bin/env bash
# The layers' unit tests with the sanitizer for undefined behaviour in the layers and in the tests: it ends the
# program at the first finding. A shift that is too wide shows that it would.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
CC=${CC:-gcc}
cd "$SOURCE" || exit 2
made=$BUILD/tests/undefined
mkdir -p "$made" || exit 2
flags=(-std=gnu11 -O1 -g -D_GNU_SOURCE -iquote src -iquote include -iquote tests -DHAK_DEBUG=0 -w
    -ftls-model=initial-exec -fsanitize=undefined -fno-sanitize-recover=undefined)
export CC made
export flags_used="${flags[*]}"

# shellcheck disable=SC2016
printf '%s\n' src/*.c src/{verify,learn,route,front,mid,large,large_map,slab,pool,platform}/*.c |
    xargs -P 2 -I{} sh -c '$CC $flags_used -c -o "$made/$(echo {} | tr / _).o" {}' || exit 1
rm -f "$made/layers.a" && ar rcs "$made/layers.a" "$made"/src_*.o || exit 2

printf 'int main(int argc, char **argv) { (void)argv; return (1 << (31 + argc)) & 1; }\n' >"$made/wide.c"
"$CC" "${flags[@]}" -o "$made/wide" "$made/wide.c" || exit 2
"$made/wide" 2>"$made/wide.out" && fail "a shift that is too wide was not seen"
grep -q 'runtime error: shift exponent' "$made/wide.out" || { echo "other words than \"shift exponent\": $(cat "$made/wide.out")"; exit 1; }

for test in tests/unit/size_class_test.c tests/unit/{front,mid,large,large_map,slab,pool,platform,route}/*_test.c; do
    wrapped=()
    [ "$test" != tests/unit/large/hot_test.c ] || wrapped=("-Wl,--wrap=hak_remap") # as tools/make/tests.mk
    "$CC" "${flags[@]}" "${wrapped[@]}" -o "$made/unit" "$test" "$made/layers.a" -lcheck_pic -lsubunit -lrt -lm -lpthread || exit 1
    "$made/unit" >"$made/unit.out" 2>&1 || {
        echo "$test: $(grep -m 3 -E 'runtime error|:[FE]:' "$made/unit.out")"
        failed=1
    }
done
exit "$failed"

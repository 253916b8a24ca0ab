#!/usr/bin/env bash
# make -j2 of hakmem itself, in a copy: a program, and a library of 21 sources (all of it in long/programs.sh); a hundred
# processes and more, several at a time.
# timeout: 1800
first_level=trace
. "${SOURCE:?}/tests/tools/real_program.sh"
mkdir source && cp -r "$SOURCE"/{Makefile,include,src,viewer,tools} source/ && mkdir -p source/docs/specs &&
    cp -r "$SOURCE/docs/specs/faults" source/docs/specs/ || exit 1
target=$(scale "out/write_pages out/libunwinder.a" all out/libhakmem.so)
story() {
    # The same path each time: it is in the debugging information.
    rm -rf ../copy && cp -r ../source ../copy && cd ../copy || exit 1
    # shellcheck disable=SC2086
    "${under[@]}" make -j2 BUILD=out $target
    echo "make: $?"
    find out -type f ! -name '*.d' -exec sha256sum {} + | LC_ALL=C sort -k 2
}
normalise() { LC_ALL=C sort; } # two jobs end in any order
check_program story "make -j2"
[ -n "${BENCH_RESULTS-}" ] || grep -qx "make: 0" plain.out || fail "the copy does not build: $(tail -n 3 plain.err)"

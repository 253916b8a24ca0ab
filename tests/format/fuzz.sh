#!/usr/bin/env bash
# The decoders survive a bounded number of hostile inputs under clang's address and undefined sanitizers.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
store=$top/src/store
clang -std=gnu11 -O1 -g -D_GNU_SOURCE -iquote "$top/src" -iquote "$top/tests" \
    -fsanitize=address,undefined -fno-sanitize-recover=all -o fuzz_chunk \
    "$top/tests/format/fuzz_chunk.c" "$store"/{bytes,checksum,chunk,codec,column,posting}.c \
    "$top/src/size_class.c" -lzstd -lpthread || exit 1
ASAN_OPTIONS=detect_leaks=1 ./fuzz_chunk 60000 >out 2>&1 || {
    tail -n 40 out
    echo "fuzz_chunk failed"
    exit 1
}

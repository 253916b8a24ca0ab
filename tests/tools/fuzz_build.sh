#!/usr/bin/env bash
# Builds the fuzzer of the store's decoders into the working directory: ./fuzz_blobs, and ./seeds
# which makes what it starts from.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
sources=()
for name in base/{bytes,checksum,growing,index,sorted} store/{error,pack} store/codec/{by_site,chunk,column,mirror,times,walk} \
    store/live/{part,table} store/postings/{keys,run} store/profile/{keys,rows} store/stacks/nodes; do
    sources+=("$top/src/$name.c")
done
flags=(-std=gnu11 -O1 -g -D_GNU_SOURCE -iquote "$top/src" -iquote "$top/tests")
clang "${flags[@]}" -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o fuzz_blobs \
    "$top/tests/fuzz/blobs.c" "${sources[@]}" -lzstd -lpthread -lsqlite3
clang "${flags[@]}" -o seeds "$top/tests/fuzz/seeds.c" "${sources[@]}" "$top/src/size_class.c" \
    -lzstd -lpthread -lsqlite3

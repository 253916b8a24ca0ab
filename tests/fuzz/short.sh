#!/usr/bin/env bash
# The decoders of chunks, runs of postings, node blobs, states and rows of the profile survive the kept corpus of cut, flipped and hostile blobs, and some changes of it.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
bash "$top/tests/tools/fuzz_build.sh" || exit 1
mkdir corpus sound found
tar -xzf "$top/tests/fuzz/corpus.tar.gz" -C corpus && ./seeds sound || exit 1
[ "$(find corpus -type f | wc -l)" -gt 100 ] || { echo "the corpus is not there"; exit 1; }
./fuzz_blobs -runs=15000 -seed=1 -max_len=20000 found corpus sound >out 2>&1 || {
    grep -aE 'ERROR|SUMMARY|runtime error' out | head -n 5
    tail -n 30 out
    echo "fuzz_blobs failed"
    exit 1
}
# Sound blobs must be accepted, or this tests nothing: the fuzzer tells how far it got.
reached=$(grep -aoE 'cov: [0-9]+' out | tail -n 1 | cut -d ' ' -f 2)
[ "${reached:-0}" -gt 600 ] || { echo "only $reached places in the decoders were reached"; exit 1; }

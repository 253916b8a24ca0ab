#!/usr/bin/env bash
# FUZZ_SECONDS of libFuzzer on all decoders of blobs, under address and undefined sanitizers.
# timeout: 7200
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/long/sizes"
bash "$top/tests/tools/fuzz_build.sh" || exit 1
mkdir corpus sound found
tar -xzf "$top/tests/fuzz/corpus.tar.gz" -C corpus && ./seeds sound || exit 1
./fuzz_blobs -max_total_time="$FUZZ_SECONDS" -max_len=20000 -print_final_stats=1 \
    found corpus sound >out 2>&1
status=$?
grep -aE '^stat::|^Done' out
[ $status -eq 0 ] && exit 0
cp -f crash-* leak-* timeout-* oom-* "${FUZZ_KEEP:-.}" 2>/dev/null
tail -n 40 out
echo "fuzz_blobs failed; the input is in crash-* (FUZZ_KEEP=folder keeps it)"
exit 1

#!/usr/bin/env bash
# The viewer under address and undefined sanitizers, asked about stores in which rows were changed at random, ROUNDS times each.
# timeout: 1200
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
top=$SOURCE
asan=$PWD/asan
target=${asan#"$(realpath "$top")/"} # make's own name of the folder
"${MAKE:-make}" -s -j2 -C "$top" BUILD="$asan" WARN= \
    CC='gcc -fsanitize=address,undefined -fno-sanitize-recover=all' \
    "$target/hakmem-trace" "$target/tests/cli/make_store" >made 2>&1 || { tail -n 20 made; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
"$asan/tests/cli/make_store" . || fail 'make_store failed'
for seed in 1 2; do
    TRACE=$asan/hakmem-trace python3 "$top/tests/long/viewer_fuzz.py" "$seed" "$ROUNDS" >"said $seed" &
done
wait
cat 'said 1' 'said 2'
[ ! -s 'said 1' ] && [ ! -s 'said 2' ]

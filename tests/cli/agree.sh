#!/usr/bin/env bash
# Answers of block, threads, info and p:N about a recorded tree agree with the tables, counted another way.
set -u
cd "$(dirname "$0")" || exit 2
here=$PWD
BUILD=$(realpath -m "${BUILD:-../../build}")
unset "${!HAKMEM_@}"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 2
stress=$BUILD/tests/programs/stress
"$BUILD/hakmem-trace" run --store tree.db -- sh -c "'$stress' 2 20000; '$stress' 4 60000 7; exit 3" >out 2>err </dev/null
status=$?
[ "$status" -eq 3 ] && [ ! -s err ] || { echo "the recorded run ended with $status: $(cat err)"; exit 1; }
TRACE=$BUILD/hakmem-trace python3 "$here/agree.py" tree.db

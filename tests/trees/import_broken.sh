#!/usr/bin/env bash
# import of files that are cut off or changed: an error that names the file, or a store of what is left; never a crash.
# IMPORT_TIMES=N tries N of them, IMPORT_TRACE is another hakmem-trace.
set -u
trace=${IMPORT_TRACE-$BUILD/hakmem-trace}
mkdir lonely && cp "$BUILD/hakmem-debug.so" lonely/ || exit 2
record() {
    local name=$1
    shift
    env HAKMEM_TRACE_MAX=16M LD_PRELOAD="$PWD/lonely/hakmem-debug.so" "$@" >out 2>err
    mv hakmem.*.rings "$name" || { cat err; exit 1; }
}
record children "$BUILD/tests/trees/import" children 3
record full "$BUILD/tests/trees/import" threads 40000
{ record fault "$BUILD/tests/trees/import" fault 100; } 2>/dev/null
stores=0 errors=0
for ((seed = 0; seed < ${IMPORT_TIMES-48}; seed++)); do
    rm -f broken.rings store.db*
    files=(children full fault)
    python3 "$SOURCE/tests/tools/break_rings.py" "${files[seed % 3]}" broken.rings "$seed" || exit 1
    timeout 200 "$trace" import -s store.db broken.rings >out 2>err
    status=$?
    case $status in
    0 | 4) stores=$((stores + 1)) ;;
    3) errors=$((errors + 1))
       grep -q '^hakmem-trace: import: broken.rings ' err || { cat err; echo "seed $seed: the error names no file"; exit 1; } ;;
    *) head -n 30 err; echo "seed $seed: status $status"; exit 1 ;;
    esac
    [ "$status" -eq 3 ] || "$trace" info -s store.db >out 2>&1 || [ $? -eq 4 ] || { cat out; echo "seed $seed: info"; exit 1; }
    if grep -q 'Sanitizer\|runtime error' err; then head -n 30 err; echo "seed $seed"; exit 1; fi
done
echo "$stores stores, $errors errors"
[ "$stores" -gt 20 ] && [ "$errors" -gt 2 ] || exit 1

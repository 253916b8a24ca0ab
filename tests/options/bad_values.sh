#!/usr/bin/env bash
# Every variable, in both builds: a value that cannot be read is exactly one line on stderr that names
# the variable, the value and what was expected, and the program runs.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_TRACE=off
long=$(printf 'x%.0s' $(seq 5000))

# check BUILD VARIABLE VALUE PATTERN
check() {
    local code=0
    env "HAKMEM_$2=$3" LD_PRELOAD="$BUILD/$1" true >out 2>err || code=$?
    if [ "$code" -ne 0 ] || [ -s out ] || [ "$(wc -l <err)" -ne 1 ] ||
        ! grep -qE "^hakmem: HAKMEM_$2=$4; taking [^ ]+$" err; then
        echo "$1, HAKMEM_$2=${3:0:20}: status $code, stderr: $(head -c 500 err)"
        failed=1
    fi
}

count=0
while IFS=$'\t' read -r name type range; do
    count=$((count + 1))
    case "$type" in
    PATH | TEXT) value=$long expected='x{200}: expected at most 4095 bytes' ;;
    *)
        value='12 apples' expected=${range//|/\\|}
        expected="12 apples: expected ${expected//./\\.}"
        ;;
    esac
    for library in libhakmem.so hakmem-debug.so; do
        check "$library" "$name" "$value" "$expected"
    done
done < <("$BUILD/hakmem-trace" info --options --json |
    python3 -c 'import json, sys
for o in json.load(sys.stdin)["options"]:
    print(o["variable"][7:], o["type"], o["range"], sep="\t")')
[ "$count" -ge 70 ] || complain "only $count variables were looked at"

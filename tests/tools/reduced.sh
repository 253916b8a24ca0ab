# Records programs of tests/faults, reduces their faults, and runs the C programs of it; the tests and the table source it.
# shellcheck shell=bash
. "${SOURCE:?}/tests/tools/faults.sh"

# reduced NAME RUNS: prints "NAME CODE STEPS LINES SECONDS GOOD": GOOD of RUNS runs of the compiled program gave CODE first.
reduced() {
    local name=$1 runs=$2 injection variables code first seconds settings good=0 i
    injection=$(injection_of "$name")
    variables=$(variables_of "$name")
    env HAKMEM_GUARD_WATCH=off ${injection:+"HAKMEM_INJECT=$injection"} ${variables:+"$variables"} \
        "$trace" run -f --check normal -s "$name.db" -- "$BUILD/tests/faults/$name" >/dev/null 2>&1
    code=$("$trace" sql -s "$name.db" "SELECT code FROM fault WHERE id = 1")
    "$trace" reduce -s "$name.db" --fault 1 --c "$name.c" >"$name.said" 2>&1 || { echo "$name: status $?: $(head -n 1 "$name.said")"; return 1; }
    ${CC:-cc} -Wall -Werror -g -o "$name.reduced" "$name.c" -lpthread || { echo "$name: its program does not compile"; return 1; }
    settings=$(sed -n 's/^ \*     HAKMEM_CHECK=normal \(.*\)LD_PRELOAD.*/\1/p' "$name.c")
    for ((i = 0; i < runs; i++)); do
        # shellcheck disable=SC2086 # words
        first=$(env HAKMEM_TRACE=off HAKMEM_GUARD_WATCH=off HAKMEM_CHECK=normal $settings LD_PRELOAD="$BUILD/hakmem-debug.so" "./$name.reduced" 2>&1 |
            grep -ao '^hakmem: HKM-[0-9]*' | head -n 1)
        [ "$first" = "hakmem: HKM-$code" ] && good=$((good + 1))
    done
    seconds=$(sed -n '1s/.* \([0-9.]*\) s$/\1/p' "$name.said")
    echo "$name HKM-$code $(grep -c '^[0-9]' "$name.said") $(wc -l <"$name.c") $seconds $good"
}

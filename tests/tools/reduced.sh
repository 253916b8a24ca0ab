# Records programs with a fault, reduces it, and runs the C programs of it; the tests and the tables source it.
# shellcheck shell=bash
. "${SOURCE:?}/tests/tools/faults.sh"

# reduced NAME RUNS: records tests/faults/NAME and prints reduced_store's line.
reduced() {
    local variables
    mapfile -t variables < <(variables_of "$1")
    env HAKMEM_GUARD_WATCH=off "${variables[@]}" \
        "$trace" run -f --check normal -s "$1.db" -- "$BUILD/tests/faults/$1" >/dev/null 2>&1
    reduced_store "$1" "$2"
}

# reduced_store NAME RUNS: reduces fault 1 of NAME.db into NAME.c, and prints "NAME CODE STEPS LINES SECONDS GOOD": GOOD of RUNS runs of
# the compiled program gave CODE first.
reduced_store() {
    local name=$1 runs=$2 code seconds
    code=$("$trace" sql -s "$name.db" "SELECT code FROM fault WHERE id = 1")
    "$trace" reduce -s "$name.db" --fault 1 --c "$name.c" >"$name.said" 2>&1 || { echo "$name: status $?: $(head -n 1 "$name.said")"; return 1; }
    ${CC:-cc} -Wall -Werror -g -o "$name.reduced" "$name.c" -lpthread || { echo "$name: its program does not compile"; return 1; }
    seconds=$(sed -n '1s/.* \([0-9.]*\) s$/\1/p' "$name.said")
    echo "$name HKM-$code $(grep -c '^[0-9]' "$name.said") $(wc -l <"$name.c") $seconds $(good_runs "$name" "$runs")"
}

# good_runs NAME RUNS: how many runs of NAME.reduced, made of NAME.c, give first the code that its head says.
good_runs() {
    local settings code first good=0 i
    settings=$(sed -n 's/^ \*     HAKMEM_CHECK=normal \(.*\)LD_PRELOAD.*/\1/p' "$1.c")
    code=$(sed -n '1s/^[^H]*\(HKM-[0-9]*\),.*/\1/p' "$1.c")
    for ((i = 0; i < $2; i++)); do
        # shellcheck disable=SC2086 # words
        first=$(env HAKMEM_TRACE=off HAKMEM_GUARD_WATCH=off HAKMEM_CHECK=normal $settings LD_PRELOAD="$BUILD/hakmem-debug.so" "./$1.reduced" 2>&1 |
            grep -ao '^hakmem: HKM-[0-9]*' | head -n 1)
        [ "$first" = "hakmem: $code" ] && good=$((good + 1))
    done
    echo $good
}

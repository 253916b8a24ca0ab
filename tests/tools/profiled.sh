# shellcheck shell=bash
# shellcheck disable=SC2034 # `program` is for who sources it
# Starts tests/ctl/profiled, which lays out a heap profile with known sums, and has it do things. Sourced.

begin() {
    rm -f in out
    mkfifo in out
    "$BUILD/tests/ctl/profiled" <in >out &
    program=$!
    exec 8>in 9<out
}

# say LINE...: to the program, which answers each.
say() {
    local line
    for line; do
        echo "$line" >&8
        read -r answered <&9
        [ "$answered" = "$line" ] || fail "the program said '$answered' to '$line'"
    done
}

stop() {
    echo end >&8
    wait "$program"
    exec 8>&- 9<&-
}

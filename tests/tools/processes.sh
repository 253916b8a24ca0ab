# shellcheck shell=bash
# For tests that kill: who has a store open, who is whose parent. Sourced.

# Process ids that have the file $1 open.
holders_of() {
    find /proc/[0-9]*/fd -maxdepth 1 -lname "$1" 2>/dev/null | cut -d/ -f3 | sort -un
}

parent_of() {
    sed -E 's/.*\) . ([0-9]+) .*/\1/' "/proc/$1/stat" 2>/dev/null
}

# Waits (bounded, 30 s) until the command succeeds.
until_true() {
    local tries
    for tries in $(seq 300); do
        "$@" && return 0
        sleep 0.1
    done
    echo "waited 30 s for: $* ($tries tries)"
    return 1
}

program_started() { [ -s "$1" ] && [ "$(od -A n -t u8 -N 8 "$1" | tr -d ' ')" != 0 ]; }
# Tells tests/kill/sequence to end.
stop_program() { printf '\001' | dd of="$1" bs=1 seek=800 conv=notrunc status=none; }
no_holder() { [ -z "$(holders_of "$1")" ]; }

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
# True when all of these processes have come to their end: on a machine with much to do one that was killed stands
# for a while with all that it has open.
are_dead() {
    local pid
    for pid in "$@"; do readlink "/proc/$pid/exe" >/dev/null 2>&1 && return 1; done
    return 0
}
no_holder() { [ -z "$(holders_of "$1")" ]; }

# start_with_keeper [PAUSE_US [SECONDS]]: starts tests/kill/sequence with that pause, recorded into store.db
# by a keeper that it starts itself, and lets it run for SECONDS; sets program, worker and keeper.
start_with_keeper() {
    HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        "$BUILD/tests/kill/sequence" words 60 2 "${1:-10000}" >program.out 2>program.err &
    program=$!
    until_true program_started words || exit 1
    sleep "${2:-2}"
    worker=$(holders_of "$PWD/store.db" | head -n 1)
    [ -n "$worker" ] || { echo "nobody has the store open"; exit 1; }
    keeper=$(parent_of "$worker")
    case "$(tr '\0' ' ' <"/proc/$keeper/cmdline")" in
    *hakmem-collect*) ;;
    *) echo "the worker's parent $keeper is no keeper: $(tr '\0' ' ' <"/proc/$keeper/cmdline")"; exit 1 ;;
    esac
}

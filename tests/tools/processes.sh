# shellcheck shell=bash
# Helpers for tests that kill: who has a store open, who is whose parent. Sourced.

# Process ids that have the file $1 open.
holders_of() {
    find /proc/[0-9]*/fd -maxdepth 1 -lname "$1" 2>/dev/null | cut -d/ -f3 | sort -un
}

parent_of() {
    sed -E 's/.*\) . ([0-9]+) .*/\1/' "/proc/$1/stat" 2>/dev/null
}

# Waits until the command succeeds; after 5 minutes it hangs.
until_true() {
    local started=$SECONDS
    while [ $((SECONDS - started)) -lt 300 ]; do
        "$@" && return 0
        sleep 0.1
    done
    echo "waited 5 minutes for: $*"
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
are_stopped() {
    local pid
    for pid in "$@"; do grep -qs '^State:[[:space:]]*T' "/proc/$pid/status" || return 1; done
    return 0
}
# kill -9 of all of them at once: none can see another's death, as a worker that starts a new keeper then.
kill_at_once() {
    kill -STOP "$@"
    until_true are_stopped "$@" || exit 1
    kill -9 "$@"
}
no_holder() { [ -z "$(find /proc/[0-9]*/fd -maxdepth 1 -lname "$1" -print -quit 2>/dev/null)" ]; }

# Process ids of both halves of the collectors that this test's programs started: they inherit its TMPDIR, and nothing
# else for sure. One that is started by a program at its end has no stderr where that program has closed it (as expr does).
collectors() {
    local pid
    for pid in $(pgrep -x hakmem-collect); do
        grep -qsxz "TMPDIR=${TMPDIR:?}" "/proc/$pid/environ" && echo "$pid"
    done
}
no_collector() { [ -z "$(collectors)" ]; }

# Sets worker to the one, other than $2, that has the store $1 open; false when nobody has.
worker_of() {
    worker=$(holders_of "$1" | grep -vx "${2:-0}" | head -n 1)
    [ -n "$worker" ]
}

# start_with_keeper [PAUSE_US [SECONDS]]: starts tests/kill/sequence with that pause, recorded into store.db
# by a keeper that it starts itself, and lets it run for SECONDS; sets program, worker and keeper.
start_with_keeper() {
    HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        "$BUILD/tests/kill/sequence" words 60 2 "${1:-10000}" >program.out 2>program.err &
    program=$!
    until_true program_started words || exit 1
    sleep "${2:-2}"
    until_true worker_of "$PWD/store.db" || { echo "nobody has the store open"; exit 1; }
    keeper=$(parent_of "$worker")
    case "$(tr '\0' ' ' <"/proc/$keeper/cmdline")" in
    *hakmem-collect*) ;;
    *) echo "the worker's parent $keeper is no keeper: $(tr '\0' ' ' <"/proc/$keeper/cmdline")"; exit 1 ;;
    esac
}

# shellcheck shell=bash
# Helpers for tests that wait for others: a condition, never a time.

# Waits up to 60 s until the command succeeds. 1: it did not, which is said.
await() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    echo "waited in vain for $*" >&2
    return 1
}

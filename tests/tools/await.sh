# shellcheck shell=bash
# Helpers for tests that wait for others: a condition, never a time.

# Waits until the command succeeds; after 5 minutes it hangs. 1: it did not, which is said.
await() {
    local started=$SECONDS
    while [ $((SECONDS - started)) -lt 300 ]; do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    echo "waited in vain for $*" >&2
    return 1
}

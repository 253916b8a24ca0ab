#!/usr/bin/env bash
# A child whose parent's other thread was in the middle of a realloc that changes a large block's pages finds its heap
# whole: at each 13th instruction of such calls, in both levels and with nothing recorded.
set -u
unset "${!HAKMEM_@}"
trace=$BUILD/hakmem-trace
for level in "--trace off" "--check normal" "--check trace"; do
    # shellcheck disable=SC2086 # two words
    got=$(HAKMEM_GUARD=off "$trace" run $level --store steps.db --force -- "$BUILD/tests/memory/stepped_resize" 13 2>&1)
    [[ $got =~ ^[1-9][0-9]{2,}\ forks$ ]] || { echo "$level: '$(tail -n 40 <<<"$got")'"; exit 1; }
done

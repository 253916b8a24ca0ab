#!/usr/bin/env bash
# A child whose parent's other thread was in the middle of a call finds its heap whole, and no move of a block in it is
# against the rules: at each 13th instruction of such calls, in both levels and with nothing recorded.
set -u
unset "${!HAKMEM_@}"
trace=$BUILD/hakmem-trace
for level in "--trace off" "--check normal" "--check trace"; do
    # shellcheck disable=SC2086 # two words
    got=$(HAKMEM_GUARD=off "$trace" run $level --store steps.db --force -- "$BUILD/tests/memory/stepped_calls" 13 2>&1)
    [[ $got =~ ^[1-9][0-9]{2,}\ forks$ ]] || { echo "$level: '$(tail -n 40 <<<"$got")'"; exit 1; }
    [ "$level" = "--trace off" ] || "$trace" check -s steps.db >check.out 2>&1 ||
        { echo "$level: $(head -n 5 check.out)"; exit 1; }
done

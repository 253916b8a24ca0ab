#!/usr/bin/env bash
# A child whose parent's other thread was in the middle of a call finds its heap whole, and no move of a block in it is
# against the rules: at each 73rd to 103rd instruction of such calls, in both levels and with nothing recorded. FULL=1: at each 13th.
# timeout: 3600
. "${SOURCE:?}/tests/tools/test.sh"
for level in "--trace off" "--check normal" "--check trace"; do
    case ${FULL:-0}$level in 1*) every=13 ;; *off) every=101 ;; *normal) every=103 ;; *) every=73 ;; esac
    # shellcheck disable=SC2086 # two words
    got=$(HAKMEM_GUARD=off "$trace" run $level --store steps.db --force -- "$BUILD/tests/memory/stepped_calls" $every 2>&1)
    [[ $got =~ ^[1-9][0-9]{2,}\ forks$ ]] || { echo "$level: '$(tail -n 40 <<<"$got")'"; exit 1; }
    [ "$level" = "--trace off" ] || "$trace" check -s steps.db >check.out 2>&1 ||
        fail "$level: $(head -n 5 check.out)"
done

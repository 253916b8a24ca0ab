#!/usr/bin/env bash
# fork waits for nobody who waits for malloc, and its children find everything whole: stdio, name service, modules,
# locales, threads and blocks of all sizes against forks, in both libraries and all levels. SECONDS_EACH=N takes longer.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/memory/fork_waits
seconds=${SECONDS_EACH:-1}

due() { # NAME OUTPUT
    [[ $2 =~ ^[1-9][0-9]*\ forks$ ]] || fail "$1: '$2'"
}

due libhakmem.so "$(LD_PRELOAD=$BUILD/libhakmem.so "$program" "$seconds" 2>&1)"
due magazines "$(HAKMEM_TINY_MAGAZINE_ENABLE=1 LD_PRELOAD=$BUILD/libhakmem.so "$program" "$seconds" 2>&1)"
due "no BigCache" "$(HAKMEM_BIGCACHE_MAX=0 LD_PRELOAD=$BUILD/libhakmem.so "$program" "$seconds" 2>&1)"
due "trace off" "$("$trace" run --trace off -- "$program" "$seconds" 2>&1)"
for check in trace normal; do
    due $check "$("$trace" run --check $check --store forks.db --force -- "$program" "$seconds" 2>&1)"
    "$trace" check -s forks.db >check.out 2>&1
    grep -q "every block's path is legal" check.out || fail "$check: $(head -n 3 check.out)"
done

#!/usr/bin/env bash
# Programs under small limits: recorded, or one line that says why not; the same output and status in any case.
. "${SOURCE:?}/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks

# limited HOW COMMAND...: under a shell that sets the limit, inside of `run`.
limited() {
    local how=$1
    shift
    tree "ulimit $how" bash -c "ulimit $how; exec \"\$0\" \"\$@\"" "$@"
}
for how in '-f 10000' '-S -f 4' '-v 100000' '-v 400000' '-n 20' '-n 6' '-s 64' '-u 500' '-c 0'; do
    limited "$how" "$forks" spawn
done
# Too little for a session: no line on stderr for a descendant, but in the store.
tree_counts=none
for how in '-f 20' '-n 4'; do
    limited "$how" "$forks" work
    expect "count(*) from process where note like '%forks, which was not recorded: %'" 1
    expect "count(*) from process where note like '%too large%' or note like '%too many open files%'" 1
done
# `run` itself and its collector under small limits.
for how in '-s 64' '-n 40' '-v 400000' '-f 100000'; do
    (
        tree_counts=all
        eval "ulimit $how"
        tree "run under ulimit $how" "$forks" spawn
    ) || exit 1
done
(
    ulimit -n 12
    "$trace" run --store few.db -- "$forks" work >few.out 2>few.err
    [ $? -eq 2 ] || fail "run under ulimit -n 12: 2 was due"
    grep -q '^hakmem-trace: run: nothing can be recorded: the limit of open files' few.err || { cat few.err; exit 1; }
    LD_PRELOAD=$debug_library "$forks" work >few.out 2>few.err
    [ $? -eq 33 ] || fail "under ulimit -n 12: 33 was due"
    [ "$(wc -l <few.err)" -eq 1 ] || { cat few.err; fail "one line was due"; }
) || exit 1

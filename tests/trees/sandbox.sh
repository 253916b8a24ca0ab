#!/usr/bin/env bash
# Programs that enter a seccomp sandbox: none dies of what hakmem does, and what is not recorded is counted.
set -u
# shellcheck source=tests/tools/tree_run.sh
. "$SOURCE/tests/tools/tree_run.sh"
sandbox=$BUILD/tests/trees/sandbox
for case in kill syscall errno child wrong; do
    tree "$case" "$sandbox" "$case" 200
    tree_alone "$case" "$sandbox" "$case" 200
done
# Strict seccomp bars the clock: every event in it is lost, counted and said.
tree_counts=none tree_loss=some
for way in tree tree_alone; do
    $way strict "$sandbox" strict 200
    expect "count(*) from event where kind = 'MALLOC' and process = (select max(id) from process)" 640
    # 25,600 calls, and the moves between layers that they caused.
    expect "sum(lost) between 25600 and 40000 from process" 1
    expect "count(*) from process where note like 'entered strict seccomp%'" 1
done
tree_loss=none
# Where a hello would be the end of it, a program runs unrecorded.
tree_preload=$debug_library
tree exec "$sandbox" exec
expect "count(*) from process where end_kind = 4 and note like 'executed %sandbox, which was not recorded: the seccomp sandbox%'" 1
# In a sandbox that was there before: one line, the program as ever, and a file of its newest events.
"$sandbox" outside "$debug_library" >outside.out 2>outside.err
[ $? -eq 3 ] || fail "in a sandbox from the start: status 3 was due"
[ "$(cat outside.out)" = worked ] || fail "in a sandbox from the start: said $(cat outside.out)"
if ! grep -q '^hakmem: no collector: ' outside.err || [ "$(wc -l <outside.err)" -ne 1 ]; then
    cat outside.err
    fail "in a sandbox from the start: one line was due"
fi
rm -f store.db
"$trace" import -s store.db hakmem.*.rings >import.out 2>&1 || fail "in a sandbox from the start: $(cat import.out)"
tree_loss=none
check_store

# bwrap enters its namespaces by system calls of its own. The process that calls itself 2 there is not the machine's
# process 2; the program in it reaches no keeper and no file, and the store says so, nothing else does.
bwrapped() {
    tree_name="bwrap $1"
    shift
    rm -f store*.db*
    timeout -s KILL 60 "$trace" run --wait --check trace --store store.db -- bwrap --unshare-all --ro-bind / / --dev /dev \
        --proc /proc "$@" >bwrap.out 2>bwrap.err
    [ $? -eq 7 ] || fail "status 7 was due"
    [ "$(cat bwrap.out)" = hi ] || fail "it said: $(cat bwrap.out)"
    [ ! -s bwrap.err ] || fail "something is on stderr: $(head -n 3 bwrap.err)"
    [ ! -e store.db-wal ] || fail "the WAL was left beside the store"
    expect "count(*) from process where end_kind not in (1, 4)" 0
    expect "count(*) from process where end_kind = 4 and note like 'executed sh, which was not recorded: %'" 1
    "$trace" info -s store.db | grep -q '1 program was not recorded' || fail "info does not say that a program was not recorded"
    check_store
}
bwrapped "with an init" sh -c 'echo hi; ls / >/dev/null; exit 7'
bwrapped "without one" --as-pid-1 sh -c 'echo hi; ls / >/dev/null; exit 7'

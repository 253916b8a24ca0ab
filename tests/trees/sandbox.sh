#!/usr/bin/env bash
# Programs that enter a seccomp sandbox: none dies of what hakmem does, and what is not recorded is counted.
# FULL=1: each case with `run` and without.
. "${SOURCE:?}/tests/tools/tree_run.sh"
sandbox=$BUILD/tests/trees/sandbox
for case in kill syscall errno child wrong; do
    case ${FULL:-0}.$case in 0.syscall | 0.child) ;; *) tree "$case" "$sandbox" "$case" 200 ;; esac
    case ${FULL:-0}.$case in 0.kill | 0.errno) ;; *) tree_alone "$case" "$sandbox" "$case" 200 ;; esac
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
# process 2. The program that it executes, and what that executes, is recorded, by the keeper's path in /tmp or, where that is hidden (with the store,
# or /proc), by the memory that the keeper takes; nothing of hakmem's is on stderr, and there is one store.
as_user=()
[ "$(id -u)" -ne 0 ] || as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
tree_loss=none
expect_recorded() { # $1 = how many programs are not recorded
    [ "$status" -eq 7 ] || fail "status $status, 7 was due"
    [ "$(cat bwrap.out)" = hi ] || fail "it said: $(cat bwrap.out)"
    [ ! -s bwrap.err ] || fail "something is on stderr: $(head -n 3 bwrap.err)"
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    [ "$(echo ./*.db*)" = ./store.db ] || fail "more than the store is there: $(echo ./*.db*)"
    expect "count(*) from process where end_kind = 4" "$1"
    expect "count(*) from process where end_kind not in (1, 3, 4)" 0
    [ "$1" -ne 0 ] || expect "group_concat(r, ' ') from (select replace(p.program, rtrim(p.program, replace(p.program, '/', '')), '')
        || ' ' || p.exit_status || ' ' || (select count(*) > 0 from event e where e.process = p.id and e.kind = 'MALLOC') as r
        from process p where p.end_kind = 1 and p.program not like '%/bwrap' and p.program not like '%/env' order by p.id)" "dash 7 1 ls 0 1"
    [ "$1" -ne 0 ] || expect "count(*) from process c join process p on p.id = c.parent where c.program like '%/ls' and p.program like '%/dash'" 1
    nothing_lost
    check_store
    "$trace" info -s store.db >info.out || fail "info ends with $?"
    "$trace" info -s store.db --json >info.json || fail "info --json ends with $?"
}
bwrapped() {
    tree_name="bwrap $1" status=0
    local program='echo hi; /bin/ls / >/dev/null; exit 7' not_recorded=$2
    shift 2
    rm -f store*.db*
    timeout -s KILL 300 "$trace" run --wait --check trace --store store.db -- bwrap --unshare-all "$@" /bin/dash -c "$program" \
        >bwrap.out 2>bwrap.err </dev/null || status=$?
    expect_recorded "$not_recorded"
    rm -f store*.db*
    tree_name+=", alone" status=0
    timeout --foreground -s KILL 300 env HAKMEM_CHECK=trace HAKMEM_TRACE_FILE="$PWD/store.db" LD_PRELOAD="$debug_library" \
        bwrap --unshare-all "$@" /bin/dash -c "$program" >bwrap.out 2>bwrap.err </dev/null || status=$?
    until_true test -s store.db || fail "no store was written"
    expect_recorded "$not_recorded"
}
bwrapped "with an init" 0 --ro-bind / / --dev /dev --proc /proc
bwrapped "without one" 0 --as-pid-1 --ro-bind / / --dev /dev --proc /proc
build=(--bind "$BUILD" "$BUILD") # a clone may lie in /tmp
hidden=(--bind / / --dev /dev --tmpfs /tmp "${build[@]}" --tmpfs "$PWD" --chdir /)
bwrapped "with a /tmp of its own, without the store's folder" 0 "${hidden[@]}" --proc /proc
bwrapped "without /proc, as another user" 0 "${hidden[@]}" --tmpfs /proc --unshare-user --uid 1234 --gid 1234
# A program that cannot be recorded is noted there, too, when a shell starts it by vfork.
echo 'int main(void) { return 7; }' >still.c && ${CC:-gcc} -static -o "$TMPDIR/still" still.c || fail "no static program"
rm -f store*.db*
tree_name="bwrap with a static program" status=0
"$trace" run --wait --check trace --store store.db -- bwrap --unshare-all --bind / / --dev /dev --proc /proc --tmpfs /tmp \
    "${build[@]}" --bind "$TMPDIR" "$TMPDIR" /bin/dash -c 'echo hi; "$0"; exit $?' "$TMPDIR/still" >bwrap.out 2>bwrap.err </dev/null || status=$?
expect_recorded 1
expect "note || ' ' || (c.parent = (select id from process where program like '%/dash')) from process c where end_kind = 4" \
    "executed $TMPDIR/still, which was not recorded: it is statically linked 1"
# Without the library, nothing is recorded from there on, and the store says so.
bwrapped "without hakmem" 1 --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin --dev /dev \
    --proc /proc --tmpfs /tmp --chdir /
expect "note from process where end_kind = 4" \
    "executed /bin/dash, which was not recorded: hakmem-debug.so is out of its reach; what it starts is not recorded either"
grep -q '1 program was not recorded' info.out || fail "info does not say that a program was not recorded"
grep -q '"unrecorded_programs": 1' info.json || fail "info --json does not say that a program was not recorded"
# A user who is not root.
if [ ${#as_user[@]} -gt 0 ]; then
    chmod 755 . && mkdir mine && chown 65534:65534 mine && cd mine || exit 1
    trace_as_user() { "${as_user[@]}" "$BUILD/hakmem-trace" "$@"; }
    trace=trace_as_user tree_name="bwrap as a user"
    timeout -s KILL 300 "${as_user[@]}" "$BUILD/hakmem-trace" run --wait --check trace --store store.db -- bwrap --unshare-all "${hidden[@]}" \
        --proc /proc /bin/dash -c 'echo hi; /bin/ls / >/dev/null; exit 7' >../bwrap.out 2>../bwrap.err </dev/null
    status=$?
    cp ../bwrap.out ../bwrap.err .
    expect_recorded 0
fi

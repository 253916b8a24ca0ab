#!/usr/bin/env bash
# `run --push` sends a fault while the program that has it still runs: the server's being away, the end of `run` by SIGKILL and level light
# make no difference; each is there once at the end, the program's output and status are its own, and no process stays.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
. "$SOURCE/tests/tools/await.sh"
export XDG_STATE_HOME=$PWD/state
start_postgres
lay_out_findings

# Frees a block twice for each file that comes: go.1, go.2, ...; ends with the file `end`.
cat >slow.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *volatile block;

static void first(void) {
    block = malloc(40);
    free(block);
    free(block);
}

static void second(void) {
    block = malloc(200);
    free(block);
    free(block);
}

int main(void) {
    puts("said");
    fflush(stdout);
    for (int done = 0; access("end", F_OK) != 0; usleep(20000)) {
        char name[16];
        snprintf(name, sizeof name, "go.%d", done + 1);
        if (access(name, F_OK) != 0)
            continue;
        (done ? second : first)();
        done++;
    }
    return 5;
}
C
${CC:-cc} -w -g -O0 -o slow slow.c || fail "slow.c does not compile"

# begin NAME WORDS...: in the background; $run is its pid.
begin() {
    local name=$1
    shift
    rm -f go.* end
    "$trace" run --on-fault continue -s "$name.db" --push "$PUSH" "$@" -- ./slow >"$name.out" 2>"$name.err" &
    run=$!
}
# ends NAME STATUS
ends() {
    touch end
    wait "$run"
    local got=$?
    [ "$got" = "$2" ] || complain "$1: status $got; due: $2: $(cat "$1.err")"
    [ "$(cat "$1.out")" = said ] || complain "$1: the program said $(cat "$1.out")"
}
is_there() { [ "$(counted)" = "$1" ]; }
clear_server() { asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'; }
beside() { pgrep -P "$1" hakmem-push; }

begin two
await beside "$run" || complain "nothing looks beside the program"
helper=$(beside "$run")
touch go.1
await is_there '1 1' || complain "the first fault did not come while it ran: $(counted), $(cat two.err)"
touch go.2
await is_there '1 2' || complain "the second fault did not come while it ran: $(counted)"
kill -0 "$run" || complain "it does not run any more"
ends two 1
is_there '1 2' || complain "at the end there are $(counted)"
[ "$(waiting)" = 0 ] || complain "$(waiting) documents wait"
kill -0 "$helper" 2>/dev/null && complain "the process beside the program stays"
[ "$(asked "SELECT count(DISTINCT number) FROM hakmem.finding")" = 2 ] || complain "numbers: $(asked 'SELECT number FROM hakmem.finding')"
[ "$(asked "SELECT count(*) FROM hakmem.run WHERE length(summary) > 2")" = 1 ] || complain "what was held did not come at the end"
grep -qv '^hakmem: \|^  \|^$\|^SUMMARY' two.err && grep -q push two.err && complain "it says of pushing: $(cat two.err)"

# The server is away when the fault happens, and comes back while the program runs.
clear_server
stop_postgres
begin away
touch go.1
waits_one() { [ "$(waiting)" = 1 ]; }
await waits_one || complain "nothing waits for a server that is away"
restart_postgres
await is_there '1 1' || complain "the server is there again, and has $(counted)"
ends away 1
is_there '1 1' || complain "away, at the end: $(counted)"
[ "$(waiting)" = 0 ] || complain "away: $(waiting) documents wait"

# It stays away: one document waits, not one for each fault and one for the end.
clear_server
stop_postgres
begin gone
touch go.1
await waits_one || complain "gone: nothing waits"
ends gone 1
[ "$(waiting)" = 1 ] || complain "gone: $(waiting) documents wait; due: 1"
restart_postgres
"$trace" push --queue >out 2>&1 || complain "push --queue: $(cat out)"
is_there '1 1' || complain "gone, sent from the queue: $(counted)"

# Killed: what has come stays, a push of the capture adds nothing that is there.
clear_server
begin killed
helper=
await beside "$run" && helper=$(beside "$run")
touch go.1
await is_there '1 1' || complain "killed: it did not come"
kill -KILL "$run"
wait "$run" 2>/dev/null
gone() { ! kill -0 "$helper" 2>/dev/null; }
await gone || complain "the process beside the program outlives a run that was killed"
touch end
ended() { "$trace" info -s killed.db; ! pgrep -f '^./slow$'; }
await ended || complain "killed: the program does not end"
"$trace" push -s killed.db --to "$PUSH" >out 2>&1 || complain "killed: push: $(cat out)"
is_there '1 1' || complain "killed, pushed again: $(counted)"

# A fault whose names are read late is not sent with the fingerprint that it has without them.
clear_server
mkdir named && cp "$BUILD/hakmem-trace" "$BUILD/hakmem-debug.so" "$BUILD/hakmem_postgres.so" "$BUILD/tests/security/hakmem-collect" named || exit 1
sed 's/^int main/char mark[] __attribute__((section(".deadly_load_hold"), used)) = HELD;\n&/' slow.c >named.c
mv slow unnamed
${CC:-cc} -w -g -O0 -DHELD="\"$PWD/held\"" -o slow named.c || fail "named.c does not compile"
touch held
trace=$PWD/named/hakmem-trace begin late
touch go.1
is_reported() { grep -q '^SUMMARY: .*double-free' late.err; }
await is_reported || complain "late: no report: $(cat late.err)"
grep -q 'frames there have no names yet' late.err || complain "late: nothing was late: $(cat late.err)"
# The process beside the program looks into the store, and rests in poll, between two looks.
await beside "$run" && helper=$(beside "$run")
if ! left_out at_rest; then
    rests() { [ "$(cut -d ' ' -f 1 "/proc/$helper/syscall")" = 7 ]; }
    reads() { sed -n 's/^syscr: //p' "/proc/$helper/io"; }
    await rests
    reads_before=$(reads)
    has_looked() { [ "$(reads)" -gt "$reads_before" ] && rests; }
    await has_looked || complain "late: nobody looks into the store"
fi
is_there '0 0' || complain "late: $(counted) came before the names"
rm held
await is_there '1 1' || complain "late: it did not come when it had names: $(counted)"
ends late 1
is_there '1 1' || complain "late, at the end: $(counted)"
is_sent=$(asked "SELECT convert_from(fingerprint, 'UTF8') FROM hakmem.finding")
is_stored=$("$trace" sql -s late.db "SELECT fingerprint FROM fault" | tail -n 1 | tr -d ' ')
[ "$is_sent" = "$is_stored" ] || complain "late: $is_sent was sent, $is_stored is stored"
"$trace" faults 1 -s late.db | grep -q 'first .*named\.c' || complain "late: no names: $("$trace" faults 1 -s late.db)"
mv unnamed slow

# Level light: a store is made with the fault.
clear_server
HAKMEM_GUARD=sample:1 begin light --check light
touch go.1
await is_there '1 1' || complain "light: it did not come: $(counted) $(cat light.err)"
ends light 5
is_there '1 1' || complain "light, at the end: $(counted)"

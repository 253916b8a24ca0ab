#!/usr/bin/env bash
# `reduce --check`: a crash of an allocator that hakmem knows nothing of becomes three steps of two threads in the recorded order. The
# time's limit and Ctrl-C leave the shortest so far. The user's command gets what its page says.
. "${SOURCE:?}/tests/tools/faults.sh"
here=$SOURCE/tests/reduce
mkdir temporary
export TMPDIR=$PWD/temporary
${CC:-cc} -w -shared -fPIC -O1 -fno-builtin -o mine.so "$here/mine.c" && ${CC:-cc} -g -w -o app "$here/app.c" -lpthread ||
    fail 'mine.c and app.c do not compile'
dies='LD_PRELOAD=./mine.so "$REDUCE_PLAYER" sequence; [ $? -eq 134 ]'

# crash STORE ARGUMENTS...: reduces it to the three steps, whose program dies each time.
crash() {
    local store=$1 dead=0 i
    shift
    "$trace" reduce -s "$store" --c out.c --check "$dies" "$@" >said 2>errors || { complain "$store: status $?: $(cat errors)"; return; }
    grep '^[0-9]' said | sed 's/  .*//' | diff - due.steps || complain "$store: other steps"
    grep -q "^/\* Made by hakmem-trace reduce --check 'LD_PRELOAD=" out.c || complain "$store: the head of the program: $(head -n 3 out.c)"
    ${CC:-cc} -Wall -Werror -g -o out out.c -lpthread || { complain "$store: its program does not compile"; return; }
    for ((i = 0; i < 10; i++)); do
        { LD_PRELOAD=./mine.so ./out; } >/dev/null 2>&1
        [ $? -eq 134 ] && dead=$((dead + 1))
    done
    [ $dead -eq 10 ] || complain "$store: $dead of 10 runs of its program die"
}
printf '1 malloc 1 1 0\n2 free 1 0 0\n1 malloc 2 1 0\n' >due.steps
"$trace" run -s app.db -- ./app >/dev/null 2>&1 || fail "app: status $?"
crash app.db
# Numbers of threads far apart, as a server with a thread for each connection has them.
set_threads() { # NUMBER: of thread N, N more
    cp app.db "$1.db"
    python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1] + ".db") as db:
    db.execute("UPDATE thread SET number = number + ? WHERE number > 1", (int(sys.argv[1]),))' "$1" || fail 'the numbers of threads cannot be changed'
}
set_threads 2147480000
crash 2147480000.db --time 60
set_threads 4294960000
"$trace" reduce -s 4294960000.db --check "$dies" >said 2>errors
[ $? -eq 3 ] && grep -q '4294960000.db is damaged: row [0-9]* of its table' errors || complain "a number that no thread has: $(cat said errors)"
# The recorded program died: the last call, in which it did, is in no record.
mkdir dead
{ HAKMEM_TRACE_FILE=$PWD/dead/dead.db LD_PRELOAD=$BUILD/hakmem-record.so:./mine.so ./app; } >/dev/null 2>&1
wait_for_store dead
mv dead/dead.db .
[ "$("$trace" sql -s dead.db 'SELECT count(*) FROM fault WHERE code = 0')" = 1 ] || complain 'the crash is not recorded'
crash dead.db
crash dead.db --fault 1

# Turns: threads whose steps alternate are one thread each, which makes its steps in the recorded order.
cat >turns.c <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *row[4];
static pthread_barrier_t barrier;
static void *work(void *unused) {
    for (int i = 0; i < 4; i++) {
        pthread_barrier_wait(&barrier);
        row[i] = malloc(64);
        pthread_barrier_wait(&barrier);
    }
    return unused;
}
int main(void) {
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 1;
    for (int i = 0; i < 4; i++) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        free(row[i]);
    }
    pthread_join(thread, NULL);
    return 0;
}
C
${CC:-cc} -g -w -o turns turns.c -lpthread && "$trace" run -s turns.db -- ./turns >/dev/null 2>&1 || fail "turns: status $?"
cat >log.c <<'C'
/* Logs calls of 64 bytes and their frees with the number of the thread, in the order in which they come. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
extern void *__libc_malloc(size_t);
extern void __libc_free(void *);
static void *volatile kept[64];
static void say(char what) {
    dprintf(2, "%c%c", what, syscall(SYS_gettid) == getpid() ? '1' : '2');
}
void *malloc(size_t bytes) {
    void *p = __libc_malloc(bytes);
    for (int i = 0; bytes == 64 && i < 64; i++)
        if (!kept[i]) {
            kept[i] = p;
            say('m');
            break;
        }
    return p;
}
void free(void *p) {
    for (int i = 0; p && i < 64; i++)
        if (kept[i] == p) {
            kept[i] = NULL;
            say('f');
        }
    __libc_free(p);
}
C
${CC:-cc} -w -shared -fPIC -fno-builtin -o log.so log.c || fail 'log.c does not compile'
"$trace" reduce -s turns.db --c out.c --check 'LD_PRELOAD=./log.so "$REDUCE_PLAYER" sequence 2>&1 | grep -qx m2f1m2f1m2f1m2f1' >said 2>errors ||
    complain "turns: status $?: $(cat errors said)"
[ "$(grep -c '^[0-9]' said)" -eq 8 ] && [ "$(grep -c pthread_create out.c)" -eq 1 ] || complain "turns: more than one thread: $(cat said)"
${CC:-cc} -Wall -Werror -o out out.c -lpthread || complain 'turns: its program does not compile'
for i in 1 2 3 4 5 6 7 8 9 10; do
    order=$(LD_PRELOAD=./log.so ./out 2>&1)
    [ "$order" = m2f1m2f1m2f1m2f1 ] || complain "turns: run $i of its program has the order $order"
done

# The input of the command, and its statuses.
"$trace" reduce -s app.db --check 'cmp -s - "$REDUCE_SEQUENCE" && grep -q "int main" "$REDUCE_PROGRAM" && [ -x "$REDUCE_PLAYER" ] && [ $# -eq 0 ]' \
    >said 2>errors || complain "what the command gets: status $?: $(cat errors)"
[ "$(grep -c '^[0-9]' said)" -eq 0 ] || [ "$(grep -c '^[0-9]' said)" -eq 1 ] || complain "a test that always holds: $(cat said)"
"$trace" reduce -s app.db --check 'echo words >&2; exit 9' >said 2>errors
[ $? -eq 4 ] && grep -q 'the test holds for no sequence.*exit status 9, words' errors || complain "a test that never holds: $(cat errors)"
"$trace" reduce -s app.db --check './none' >said 2>errors
[ $? -eq 3 ] && grep -q 'the command cannot be run: exit status 127' errors || complain "no command: $(cat errors)"

# The first run holds, the second one never ends: the limit of time and Ctrl-C leave the first sequence.
cat >hangs <<'C'
#!/bin/sh
[ -e was_run ] || { : >was_run; exit 0; }
eval "$1"
exec sleep 1000
C
chmod +x hangs
ended() { # STATUS WORDS: what the command said at its end
    [ "$status" -eq "$1" ] && grep -q "^It may not be the shortest: $2" said && [ "$(grep -c '^[0-9]' said)" -gt 10 ] ||
        complain "$2: status $status: $(tail -n 2 said) $(cat errors)"
    grep -q 'It may not be the shortest' out.c || complain "$2: the program does not say it"
    rm -f was_run out.c
}
"$trace" reduce -s app.db --time 5 --c out.c --check ./hangs >said 2>errors
status=$?
ended 4 'the time was over'
env --default-signal=INT "$trace" reduce -s app.db --c out.c --check './hangs "kill -INT $PPID"' >said 2>errors
status=$?
ended 130 'it was interrupted'
json_ended() { # WORDS OPTIONS...: what JSON says of the end
    local reason=$1
    shift
    env --default-signal=INT "$trace" reduce -s app.db --json "$@" >said 2>errors
    python3 -c 'import json, sys; page = json.load(sys.stdin)
sys.exit(page["shortest"] or page["stopped"] != sys.argv[1])' "$reason" <said || complain "JSON, $reason: $(head -c 2000 said) $(cat errors)"
    rm -f was_run
}
json_ended 'the time was over (--time)' --time 5 --check ./hangs
json_ended 'it was interrupted' --check './hangs "kill -INT $PPID"'
"$trace" reduce -s app.db --json --check "$dies" >said 2>errors
python3 -c 'import json, sys; page = json.load(sys.stdin)
sys.exit(not page["shortest"] or page["stopped"] is not None)' <said || complain "JSON, not ended: $(head -c 2000 said) $(cat errors)"

# On a terminal, runs that take long are counted.
TERM=xterm script -qec "$trace reduce -s app.db --time 3 --check './hangs \"sleep 1.5; exit 1\"'" /dev/null >terminal </dev/null
grep -q 'reducing, [0-9]* steps so far: [0-9]* run' terminal || complain "no progress on a terminal: $(tail -n 3 terminal)"
rm -f was_run
[ -z "$(ls -A temporary)" ] || complain "left behind: $(ls temporary)"

#!/usr/bin/env bash
# A program to which orphans come (a subreaper) never hears of the collector: no child of its to wait for, no SIGCHLD, no zombie,
# in level light, whose collector ends before the program, and in level normal. Its own orphans come to it as before.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/processes.sh"

cat >reaper.c <<'C'
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile sig_atomic_t ended;
static void count(int signal) {
    ended += signal == SIGCHLD;
}
static void wait_for(const char *file) {
    while (access(file, F_OK) != 0)
        usleep(10000);
}
/* A child that leaves one behind. */
static void leave_orphan(void) {
    if (fork() == 0) {
        if (fork() == 0)
            _exit(5);
        _exit(4);
    }
    for (int status, left = 2; left > 0 && wait(&status) > 0; left--)
        printf("own %d\n", WEXITSTATUS(status));
}
static void look(void) {
    int status, is_reaper = 0;
    pid_t child = waitpid(-1, &status, WNOHANG);
    printf("%s, %d SIGCHLD\n", child < 0 ? strerror(errno) : child ? "a child ended" : "a child runs",
           (int)ended);
    prctl(PR_GET_CHILD_SUBREAPER, &is_reaper);
    printf("subreaper %d\n", is_reaper);
    fflush(stdout);
}
int main(int count_of, char **arguments) {
    void *volatile block = malloc(40);
    if (count_of > 1) { /* as a service manager starts others */
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        setenv("LD_PRELOAD", arguments[1], 1);
        execl(arguments[0], arguments[0], (char *)NULL);
        return 9;
    }
    signal(SIGCHLD, count);
    free(block);
    free(block);
    wait_for("go");
    look();
    signal(SIGCHLD, SIG_DFL);
    leave_orphan();
    return 0;
}
C
${CC:-gcc} -g -O0 -w -o reaper reaper.c || exit 1

due='No child processes, 0 SIGCHLD
subreaper 1
own 4
own 5'
for level in light normal; do
    rm -f go
    HAKMEM_CHECK=$level HAKMEM_ON_FAULT=continue HAKMEM_TRACE_FILE="$PWD/$level.db" ./reaper "$BUILD/hakmem-debug.so" >out 2>err &
    program=$!
    until_true grep -q '^SUMMARY: hakmem: double-free' err || complain "$level: no report: $(cat err)"
    [ $level = normal ] || until_true no_collector || complain "the collector does not end"
    [ -z "$(pgrep -P $program)" ] || complain "$level: it has children: $(ps -o pid,stat,args --ppid $program)"
    touch go
    wait $program
    [ "$(sort out)" = "$(sort <<<"$due")" ] || complain "$level: $(cat out)"
    until_true no_collector || complain "$level: the collector does not end"
    [ "$("$BUILD/hakmem-trace" sql -s $level.db 'select count(*) from fault' | tail -n 1)" = 1 ] || complain "$level: no fault in the store"
done

#!/usr/bin/env bash
# With LD_PRELOAD alone: one store for a tree of every kind of child, each with its end, nothing lost,
# nothing on stderr, and nothing of hakmem to be seen in the program.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

cat >program.c <<'C'
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int children_ended;
static void on_child(int number) { (void)number; children_ended++; }
static int count_files(void) {
    int count = 0;
    for (int file = 3; file < 1000; file++)
        count += dup2(file, file) == file;
    return count;
}
static void work(int count) {
    for (int i = 0; i < count; i++)
        free(malloc((size_t)(20 + i % 500)));
}
int main(int count, char **arguments) {
    const char *session = getenv("HAKMEM_SESSION");
    if (count == 1)
        return printf("%d\n", count_files()), 0;
    signal(SIGCHLD, on_child);
    if (!session || !*session || strcmp(session, "none") == 0)
        return puts("HAKMEM_SESSION is not set"), 1;
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD || children_ended)
        return puts("a child of hakmem's can be seen"), 1;
    if (count_files() != atoi(arguments[1]))
        return puts("a descriptor was left open"), 1;
    work(1000);
    if (count > 2)
        return 0; /* executed by itself, below */
    pid_t child = fork();
    if (child == 0) {
        work(2000);
        exit(0);
    }
    waitpid(child, NULL, 0);
    child = vfork();
    if (child == 0) {
        execl("/proc/self/exe", arguments[0], arguments[1], "again", NULL);
        _exit(9);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0)
        return puts("the executed program failed"), 1;
    if (system("true; (:); exit 3") != 3 << 8)
        return puts("system() does not work"), 1;
    child = fork();
    if (child == 0) {
        work(3000);
        raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    return children_ended >= 3 ? 0 : (puts("SIGCHLD was not seen"), 1);
}
C
${CC:-cc} -O0 -w -o program program.c || exit 1
inherited=$(./program)
HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$BUILD/hakmem-debug.so ./program "$inherited" >out 2>err ||
    fail "the program failed: $(cat out err)"
[ -s err ] && fail "something is on stderr: $(head -n 3 err)"
settled() { no_holder "$PWD/store.db"; }
until_true settled || exit 1
stores=(./*.db*)
[ ${#stores[@]} = 1 ] || fail "not one store: ${stores[*]}"
ask() { sqlite3 store.db "$1"; }
expect() { [ "$2" = "$3" ] || fail "$1: $2; $3 was due"; }
expect "losses" "$(ask 'select count(*) from loss')" 0
expect "sessions of the program" "$(ask "select count(distinct session) from process where program like '%/program'")" 2
expect "forked children and where they branch off" \
    "$(ask "select count(*) from process where parent = 1 and fork_event > 0 and program like '%/program'")" 2
expect "processes killed" "$(ask 'select count(*) from process where end_kind = 2')" 1
expect "processes whose end is not known" "$(ask 'select count(*) from process where end_kind = 0')" 0
mallocs() { "$BUILD/hakmem-trace" sql -s store.db "select count(*) from event where kind = 'MALLOC' and process = $1" | tail -n 1; }
first=$(mallocs 1)
[ "$first" -ge 1000 ] || fail "the program made 1000 mallocs, the store has $first"
killed=$(ask 'select id from process where end_kind = 2')
expect "mallocs of the child that was killed" "$(mallocs "$killed")" 3000

#!/usr/bin/env bash
# kill -9 of a worker that has stored one note of a program that is not recorded, and has not read another: each has its
# row, once.
. "${SOURCE:?}/tests/tools/tree_run.sh"
tree_name="a worker killed over a note"
echo 'int main(void) { return 5; }' >five.c
cat >spawner.c <<'C'
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void wait_for(const char *file) {
    while (access(file, F_OK) != 0)
        usleep(1000);
}
static void spawn(const char *when, const char *done) {
    char *arguments[] = {"./five", NULL};
    pid_t pid;
    wait_for(when);
    if (posix_spawn(&pid, "./five", NULL, NULL, arguments, environ) != 0 || waitpid(pid, NULL, 0) != pid)
        _exit(1);
    close(open(done, O_CREAT | O_WRONLY, 0600));
}
int main(void) {
    spawn("spawn.1", "spawned.1");
    spawn("spawn.2", "spawned.2");
    wait_for("end");
    return 0;
}
C
cc -static -o five five.c && cc -o spawner spawner.c || exit 1
noted="count(*) from process where note = 'executed ./five, which was not recorded: it is statically linked'"
is_stored() { [ "$(query "$noted" 2>/dev/null)" = 1 ]; }
"$trace" run --check trace --store store.db -- ./spawner >out 2>err &
run=$!
until_true worker_of "$PWD/store.db" "$run" || exit 1
: >spawn.1
until_true test -e spawned.1 || exit 1
until_true is_stored || exit 1
kill -STOP "$worker"
: >spawn.2
until_true test -e spawned.2 || exit 1
kill -9 "$worker"
: >end
wait "$run" || fail "run ended with $?; 0 was due: $(cat err)"
[ ! -s err ] || fail "something is on stderr: $(head -n 3 err)"
until_true no_holder "$PWD/store.db" || exit 1
expect "$noted" 2
expect "count(*) from process" 3

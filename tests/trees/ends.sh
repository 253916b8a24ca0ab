#!/usr/bin/env bash
# The store's facts of the end of each process: status, signal, and which program was executed that is not recorded.
. "${SOURCE:?}/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks
echo 'int main(void) { return 5; }' >five.c
cc -static -o five five.c || exit 1
tree_counts=none
ends=('"$0" plain; env -i /bin/true; (exec ./five); LD_PRELOAD= /bin/false; "$0" raw; sleep 0.3; exit 7' "$forks")
tree_name=ends
export FORKS_SEEN=$PWD/seen
touch seen
run_plain bash -c "${ends[@]}"
rm seen
# The child that dies by SIGKILL is in the store before it does: the fifth of the first forks.
is_seen() { [ "$(query "count(*) from process where program like '%/forks'" 2>/dev/null)" = 5 ]; }
(until_true is_seen; touch seen) >watching 2>&1 &
run_recorded bash -c "${ends[@]}"
unset FORKS_SEEN
expect "count(*) from process where program like '%/bash' and end_kind = 1 and exit_status = 7" 1
for status in 3 4 5 12 13 14; do
    expect "count(*) from process where program like '%/forks' and exit_status = $status" 1
done
expect "count(*) from process where end_kind = 2 and signal = 9" 1
expect "count(*) from process where end_kind = 4 and program like '%/env' and note like 'executed /bin/true, which was not recorded: LD_PRELOAD%'" 1
expect "count(*) from process where end_kind = 4 and note like 'executed %five, which was not recorded: it is statically%'" 1
expect "count(*) from process where end_kind = 0" 0
# Every process but the first has a parent, and what it became has the same one.
expect "count(*) from process where parent = 0 and id > 2" 0

# Started without a fork: no entry of their own, and yet a row each.
PATH=$PWD:$PATH tree "spawned" "$forks" static "$PWD/five" five
expect "count(*) from process where end_kind = 4 and note like 'executed %/five, which was not recorded: it is statically linked'" 3
expect "count(*) from process where end_kind = 4 and parent = (select id from process where program like '%/forks' and end_kind = 1)" 3

# By a path from its own folder, in a forked child, of which nothing is left when the collector looks.
cat >relative.c <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(void) {
    char *arguments[] = {"five", NULL};
    free(malloc(4));
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            if (i == 0)
                execve("./five", arguments, environ);
            else if (i == 1)
                execv("./five", arguments);
            else if (i == 2)
                execvp("./five", arguments);
            else
                execl("./five", "five", (char *)NULL);
            _exit(1);
        }
        wait(NULL);
    }
    return 0;
}
END
cc -o relative relative.c || exit 1
mkdir elsewhere && mv five elsewhere || exit 1
tree "relative" bash -c 'cd elsewhere && exec ../relative'
mv elsewhere/five .
expect "count(*) from process where end_kind = 4 and note = 'executed ./five, which was not recorded: it is statically linked'" 4

# However long LD_PRELOAD is: a static program is noted, and from one that cannot have hakmem it is taken out.
many=$(printf ':/lib/x86_64-linux-gnu/libm.so.6%.0s' {1..200})
PATH=$PWD:$PATH tree "long LD_PRELOAD" bash -c 'LD_PRELOAD=${LD_PRELOAD-}$0 exec "$@"' "$many" "$forks" static "$PWD/five" five
expect "count(*) from process where end_kind = 4 and note like 'executed %/five, which was not recorded: it is statically linked'" 3
said=$("$trace" run --force -s long.db -- bash -c 'LD_PRELOAD=/nowhere/hakmem-debug.so$0 exec /bin/true' "$many" 2>&1)
[ -z "$said" ] || fail "a long LD_PRELOAD with hakmem out of reach: $said"

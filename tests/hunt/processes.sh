#!/usr/bin/env bash
# Of findings of several processes hunt names that of the one which was begun earlier, whichever comes first by time.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export LC_ALL=C
cat >two.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void free_again(void) {
    char *block = malloc(40);
    free(block);
    free(block);
}
static void read_past(void) {
    volatile char *block = malloc(64);
    (void)block[64];
}
int main(int count, char **words) {
    int done[2], status = 0;
    char *volatile before;
    if (strcmp(words[1], "free") == 0)
        free_again();
    if (strcmp(words[1], "read") == 0)
        read_past();
    if (strcmp(words[1], "fork") != 0)
        return 0;
    if (pipe(done) != 0)
        return 1;
    if (fork() == 0) { /* forked first, at work when the other one has ended */
        close(done[1]);
        for (int i = 0; i < 100; i++)
            before = malloc(24);
        (void)!read(done[0], words[0], 1);
        free_again();
    }
    free(malloc(200));
    if (fork() == 0)
        read_past();
    close(done[1]);
    while (wait(&status) > 0)
        continue;
    return 0;
}
END
${CC:-cc} -g -O0 -fno-builtin -w -o two two.c || fail "two.c does not compile"
again='HKM-202 double-free: free_again\(\) two\.c:8 calls free on a 40-byte block already freed by free_again\(\) two\.c:7'

# named WORD...: of both faults hunt names the second free, its report is of that
named() {
    "$trace" hunt -f -o o.db --show none -- "$@" >out 2>err
    [ $? -eq 1 ] || complain "hunt $*: a fault was due: $(cat err)"
    grep -qxE "hakmem: $again" err || complain "hunt $*: the earlier fault was due: $(grep '^hakmem' err)"
    grep -q '^hakmem: the call is named; seen in 2 of 2 runs' err || complain "hunt $*: $(grep '^hakmem' err)"
    [ "$("$trace" faults -s o.db | grep -c HKM-)" -eq 2 ] || complain "hunt $*: both were due in the store: $("$trace" faults -s o.db)"
}
named ./two fork
named sh -c './two free; ./two read; true'

#!/usr/bin/env bash
# A program that is killed before the collector's worker has seen it: `run` keeps it as a zombie until the worker has asked how it ended. Of a
# forked child that its parent has reaped before, nobody can tell: that is said.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
cat >killed.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    free(malloc(10));
    if (argc > 1 && fork() == 0)
        raise(SIGKILL);
    while (wait(NULL) > 0)
        continue;
    FILE *file = fopen("pid.new", "w");
    fprintf(file, "%d\n", (int)getpid());
    fclose(file);
    rename("pid.new", "pid");
    raise(SIGKILL);
}
END
${CC:-cc} -g -O0 -fno-builtin -w -o killed killed.c || fail "killed.c does not compile"
# The worker comes when the program has ended.
cat >collect <<'END'
#!/bin/sh
until [ -s pid ] && read -r pid <pid && { [ ! -e "/proc/$pid/stat" ] || grep -q '^State:.Z' "/proc/$pid/status"; }; do
    sleep 0.01
done
exec "$REAL_COLLECT" "$@"
END
chmod +x collect
export REAL_COLLECT=$BUILD/hakmem-collect
for words in '' child; do
    rm -f pid
    # shellcheck disable=SC2086 # an argument or none
    HAKMEM_COLLECT=$PWD/collect "$trace" run -f -s killed.db -- ./killed $words >out 2>&1
    [ $? -eq 137 ] || complain "killed $words: $(cat out)"
    "$trace" info -s killed.db | sed -n '/^PROCESS/,$p' >processes
    grep -Eq '^#1 .* killed by SIGKILL +killed( child)?$' processes || complain "killed $words: the program: $(cat processes)"
done
grep -Eq '^#2 .* ended, how is unknown +└─ killed' processes || complain "the child: $(cat processes)"

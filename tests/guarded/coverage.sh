#!/usr/bin/env bash
# A report says how many blocks and call stacks of its process were guarded, by the numbers of `info`, and why others were not; nothing
# where all were, none was to be, or nothing is counted.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
cat >many.c <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static char *make(int i) { /* each third block by another stack */
    return i % 3 ? malloc(24) : malloc(40);
}
int main(int count, char **words) {
    int blocks = atoi(words[1]), status = 0;
    char *last = NULL;
    for (int i = 0; i < blocks; i++)
        last = make(i);
    if (words[2][0] && fork() != 0)
        return wait(&status) < 0;
    for (int i = 0; words[2][0] && i < 10; i++)
        last = make(1);
    last[24] = 1;
    free(last);
    return 0;
}
END
${CC:-cc} -g -O0 -fno-builtin -w -o many many.c || fail "many.c does not compile"

# said STORE VARIABLE=VALUE... BLOCKS WAY: COMPLETENESS of the first report of a run, behind "all events kept, all stacks whole", without
# the word on debug registers of a machine where they do not fire
said() {
    env "${@:2:$#-3}" "$trace" run -s "$1" -- ./many "${@:$#-1}" 2>err >out
    sed -n -E -e 's/; debug registers (do not fire on this machine|are used on x86-64 only)$//' -e 's/^  COMPLETENESS      all events kept, all stacks whole//p' err
}
# same STORE: the report's JSON has the numbers of `info`
same() {
    "$trace" info --json -s "$1" >info.json || complain "$1: info: status $?"
    "$trace" faults 1 --json -s "$1" >fault.json # 1: it shows a fault
    python3 - <<'END' || complain "$1: not as in info"
import json
report, info = (json.load(open(name)) for name in ("fault.json", "info.json"))
found = report["completeness"]["guarded"]
assert found == info["guarded"], (found, info["guarded"])
assert not found or found["blocks"] + sum(found["not_guarded"].values()) == found["of_blocks"], found
END
}

some=$(said some.db A=a 60 '')
[[ $some =~ ^'; guarded '([0-9]+)' of '(6[0-9])' blocks, of 2 of 2 call stacks (the rest: too many of a call stack)'$ ]] && [ "${BASH_REMATCH[1]}" -ge 8 ] || complain "some are guarded: $some"
same some.db
all=$(said all.db HAKMEM_GUARD=all HAKMEM_GUARD_MEMORY=1M 600 '')
[[ $all =~ ^'; guarded 1'[0-9]{2}' of 60'[0-9]' blocks (the rest: memory limit)'$ ]] || complain "little memory: $all"
same all.db
[ -z "$(said whole.db HAKMEM_GUARD=all 60 '')" ] || complain "all are guarded: $(cat err)"
same whole.db
off=$(said off.db HAKMEM_GUARD=off 60 '')
[ -z "$off" ] && grep -q COMPLETENESS err || complain "none is to be guarded: $(cat err)"
same off.db
said trace.db HAKMEM_TRACE=off 60 '' >none
! grep -q '; guarded ' err && grep -q 'COMPLETENESS      nothing was recorded' err || complain "nothing is recorded: $(cat err)"
child=$(said child.db A=a 60 child)
[ "$child" = '; guarded 4 of 10 blocks, of 1 of 1 call stack (the rest: too many of a call stack) since the fork' ] || complain "a child counts its own: $child" "$(cat err)"

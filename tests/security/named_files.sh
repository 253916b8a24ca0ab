#!/usr/bin/env bash
# A process of user nobody in root's recording names files for the collector: none is made, written or waited for with
# root's rights. A FIFO holds up no collector, whoever names it.
# timeout: 300
. "${SOURCE:?}/tests/tools/stranger.sh"

cat >twice.c <<'C'
#include <stdlib.h>
int main(void) {
    char *volatile p = malloc(40);
    free(p);
    free(p);
    return 0;
}
C
"${CC:-gcc}" -g -w -o twice twice.c || exit 1
chmod 755 . && mkdir -m 700 private && mkfifo -m 666 fifo || exit 1
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# record NAME COMMAND...: a double free is found; run neither waits nor says that something is missing.
record() {
    security_case=$1
    local status=0
    rm -f store.db*
    timeout 300 "$trace" run --store store.db -- "${@:2}" >run.out 2>run.err || status=$?
    [ "$status" -eq 1 ] || { cat run.err; fail "run ended with $status"; }
    grep -q 'capture is incomplete' run.err && fail "something is missing: $(cat run.err)"
    until_true no_holder "$PWD/store.db" || fail "the collector stays"
}
told() { grep -q HKM-202 "$1" || fail "no report is in $1"; }

record "a log of nobody's" "${as_nobody[@]}" env "HAKMEM_LOG=$PWD/private/log" "$PWD/twice"
[ ! -e private/log ] || fail "root wrote where nobody may not"
told run.err

HAKMEM_LOG=$PWD/private/log record "a log of root's" "${as_nobody[@]}" "$PWD/twice"
told private/log

for variable in HAKMEM_LOG HAKMEM_SUPPRESSIONS HAKMEM_BASELINE; do
    record "$variable of nobody's is a FIFO" "${as_nobody[@]}" env "$variable=$PWD/fifo" "$PWD/twice"
    record "$variable of root's is a FIFO" env "$variable=$PWD/fifo" "$PWD/twice"
    told run.err
done
exit 0

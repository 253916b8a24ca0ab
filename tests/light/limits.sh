#!/usr/bin/env bash
# A small limit of data (ulimit -d): the program runs on, and the report of a guarded block has its stacks, in a smaller array.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C

cat >used.c <<'C'
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) static char *make(void) { return malloc(40); }
__attribute__((noinline)) static void drop(char *block) { free(block); }
int main(void) {
    volatile char *block = make();
    drop((char *)block);
    printf("%d\n", block[1] * 0);
    return 0;
}
C
${CC:-gcc} -g -O0 -w -o used used.c || exit 1

# A program of a megabyte has its blocks, in the levels with stacks of their own, too.
cat >megabyte.c <<'C'
#include <stdio.h>
#include <stdlib.h>
static char *volatile block[1000];
int main(void) {
    int count = 0;
    for (int i = 0; i < 1000; i++)
        count += (block[i] = malloc(1000)) != NULL;
    printf("%d\n", count);
    return 0;
}
C
${CC:-gcc} -O0 -o megabyte megabyte.c || exit 1
for check in trace normal; do
    (ulimit -S -d 20000 && HAKMEM_CHECK=$check HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" ./megabyte >out 2>err)
    [ "$(cat out err)" = 1000 ] || complain "20000 KiB, $check without trace: $(cat out err)"
done

for kib in 30000 16000; do
    for trace in on off; do
        rm -f store.db
        (ulimit -S -d $kib && HAKMEM_CHECK=light HAKMEM_GUARD=all HAKMEM_TRACE=$trace HAKMEM_TRACE_FILE="$PWD/store.db" \
            LD_PRELOAD="$BUILD/hakmem-debug.so" ./used >out 2>err)
        status=$?
        [ $status -eq 0 ] && [ "$(cat out)" = 0 ] || complain "$kib KiB, trace $trace: status $status: $(cat out err)"
        grep -q 'raw report' err && complain "$kib KiB, trace $trace: $(head -n 3 err)"
        for frame in '#0 main .*used\.c:8' '#0 drop .*used\.c:4' '#0 make .*used\.c:3'; do
            grep -Eq "$frame" err || complain "$kib KiB, trace $trace: no $frame: $(cat err)"
        done
    done
done

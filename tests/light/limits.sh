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

# The heap profile takes no more than its share of a limit, and a block that gets no number in it no pages of its own.
cat >many.c <<'C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
enum { MANY = 5000 };
int main(int words, char **word) {
    int bytes = atoi(word[words - 1]), count = 0, on_page = 0;
    for (int i = 0; i < MANY; i++) {
        char *volatile block = malloc(bytes);
        count += block != NULL;
        on_page += i >= MANY - 500 && (uintptr_t)block % 4096 == 0;
    }
    printf("%d %s\n", count, on_page > 400 ? "on pages of their own" : "in slots");
    return 0;
}
C
${CC:-gcc} -O0 -o many many.c || exit 1
light() { HAKMEM_CHECK=light HAKMEM_GUARD=off HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$@" >out 2>&1; }
(ulimit -S -d 60000 && HAKMEM_HEAP_PROFILE=64K light ./many 3000)
[ "$(cat out)" = '5000 in slots' ] || complain "60000 KiB and a heap profile: $(cat out)"
(ulimit -S -v 1900000 && HAKMEM_HEAP_PROFILE=1 light ./many 7100)
[ "$(cat out)" = '5000 in slots' ] || complain "more blocks than numbers: $(cat out)"

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

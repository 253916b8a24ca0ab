/* HKM-301, hop READ. Made by hakmem-trace reduce.
 *
 *     cc -Wall -g -o reduced FILE.c
 *     HAKMEM_CHECK=normal HAKMEM_GUARD=all LD_PRELOAD=hakmem-debug.so ./reduced
 *
 * Run when it was written:
 *     hakmem: HKM-301 in 10 of 10 runs
 *     address sanitizer: heap-buffer-overflow
 *     glibc: sees nothing
 *     glibc, MALLOC_CHECK_=3: sees nothing
 */
#define _GNU_SOURCE
#include <stdlib.h>

static char fixed[256];
static char *volatile block[2];
volatile char seen;

static void function_1(void) {
    block[1] = malloc(1);
    seen = (block[1] + 15)[0];
}

int main(void) {
    block[0] = fixed;
    function_1();
    return 0;
}

/* HKM-302, hop ACCESS. Made by hakmem-trace reduce.
 *
 *     cc -Wall -g -o reduced FILE.c
 *     HAKMEM_CHECK=normal HAKMEM_GUARD=off LD_PRELOAD=hakmem-debug.so ./reduced
 *
 * Run when it was written:
 *     hakmem: HKM-302 in 10 of 10 runs
 *     address sanitizer: heap-buffer-overflow
 *     glibc: dies (signal 11)
 *     glibc, MALLOC_CHECK_=3: dies (signal 11)
 */
#define _GNU_SOURCE
#include <stdlib.h>

static char fixed[256];
static char *volatile block[2];
volatile char seen;

static void function_1(void) {
    block[1] = malloc(1);
    seen = **(volatile char *volatile *)(block[1] + -8);
}

int main(void) {
    block[0] = fixed;
    function_1();
    return 0;
}

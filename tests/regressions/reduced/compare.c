/* HKM-304, hop READ. Made by hakmem-trace reduce.
 *
 *     cc -Wall -g -o reduced FILE.c
 *     HAKMEM_CHECK=normal HAKMEM_GUARD=off HAKMEM_CHECK_STRING=1 LD_PRELOAD=hakmem-debug.so ./reduced
 *
 * Run when it was written:
 *     hakmem: HKM-304 in 10 of 10 runs
 *     address sanitizer: heap-use-after-free
 *     glibc: sees nothing
 *     glibc, MALLOC_CHECK_=3: sees nothing
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

static char fixed[256];
static char *volatile block[2];
static char beside[65536];
static void *(*volatile copy)(void *, const void *, size_t) = memcpy; /* a call, in any case */

static void function_1(void) {
    block[1] = malloc(1);
    free(block[1]);
    copy(beside, block[1], 1);
}

int main(void) {
    block[0] = fixed;
    function_1();
    return 0;
}

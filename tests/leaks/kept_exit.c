/* exit() from a nested function: callers' variables are live, on the stack and in registers. KEPT
 */
#include "leaks.h"

static __attribute__((noinline)) void fail(void) {
    exit(0);
}

static __attribute__((noinline)) int work(int depth) {
    if (depth == 0)
        fail();
    char *block = take(40 + (size_t)depth), *other = take(30);
    int result = work(depth - 1);
    use(block);
    use(other);
    free(block);
    free(other);
    return result;
}

int main(void) {
    return work(5);
}

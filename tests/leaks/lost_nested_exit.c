/* exit() called deep down: what a frame that has returned held is lost, what live ones hold is not.
 * LOST direct 1 70 indirect 0 0 */
#include "leaks.h"

static __attribute__((noinline)) void drop(void) {
    char *block = take(70);
    use(block);
}

static __attribute__((noinline)) void leave(int depth, char *held) {
    char *volatile mine = take(50);
    if (depth > 0)
        leave(depth - 1, mine);
    forget_frames();
    use(held);
    exit(0);
}

int main(void) {
    drop();
    forget_frames();
    char *volatile block = take(90);
    leave(3, block);
    free(block);
    return 1;
}

/* A tree that a table of children hangs on. LOST direct 1 80 indirect 10 400 */
#include "leaks.h"

static __attribute__((noinline)) void make_tree(void) {
    char **children = take(10 * sizeof *children);
    for (int i = 0; i < 10; i++)
        children[i] = take(40);
    use(children);
}

int main(void) {
    make_tree();
    forget_frames();
    return 0;
}

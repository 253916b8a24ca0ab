/* Blocks that point to each other in a circle, and to nobody else: one of them stands for all.
 * LOST direct 1 32 indirect 4 128 */
#include "leaks.h"

struct node {
    struct node *next, *before;
    char text[16];
};

static __attribute__((noinline)) void make_circle(void) {
    struct node *node[5];
    for (int i = 0; i < 5; i++)
        node[i] = take(sizeof *node[i]);
    for (int i = 0; i < 5; i++) {
        node[i]->next = node[(i + 1) % 5];
        node[i]->before = node[(i + 4) % 5];
    }
    use(node[0]);
}

int main(void) {
    make_circle();
    forget_frames();
    return 0;
}

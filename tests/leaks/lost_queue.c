/* A doubly linked list, filled at its front, that a lost head of another size leads to.
 * LOST direct 1 504 indirect 20 640 */
#include "leaks.h"

struct node {
    struct node *next, *before;
    char text[16];
};

struct queue {
    struct node *first;
    char name[492];
};

static __attribute__((noinline)) void make_queue(void) {
    struct node *first = NULL;
    for (int i = 0; i < 20; i++) {
        struct node *node = take(sizeof *node);
        node->next = first;
        if (first)
            first->before = node;
        first = node;
    }
    struct queue *queue = take(sizeof *queue);
    queue->first = first;
    use(queue);
}

int main(void) {
    make_queue();
    forget_frames();
    return 0;
}

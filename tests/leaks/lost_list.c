/* A list whose head is lost: the head is lost directly, the rest hangs on it.
 * LOST direct 1 48 indirect 9 432 */
#include "leaks.h"

struct node {
    struct node *next;
    char text[40];
};

static __attribute__((noinline)) void make_list(void) {
    struct node *head = NULL;
    for (int i = 0; i < 10; i++) {
        struct node *node = take(sizeof *node);
        node->next = head;
        head = node;
    }
    use(head);
}

int main(void) {
    make_list();
    forget_frames();
    return 0;
}

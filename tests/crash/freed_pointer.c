/* Uses a pointer that it reads from a block after its free: in level normal that is one of the
 * fill. */
#include <stdlib.h>

struct node {
    long value;
    struct node *next;
};

static struct node *volatile list;

static long second(const struct node *first) {
    return first->next ? first->next->value : 0;
}

static void drop(struct node *node) {
    free(node);
}

int main(void) {
    struct node *others[1000]; /* so that the page of the freed one stays open */
    for (int i = 0; i < 1000; i++)
        others[i] = calloc(1, sizeof *others[i]);
    list = others[500];
    list->value = 1;
    drop(list);
    others[0]->value = second(list);
    return 0;
}

/* Writes through a pointer that is nearly null. */
#include <stdlib.h>

struct node {
    struct node *next;
    int value;
};

static void set_value(struct node *node, int value) {
    node->value = value;
}

int main(void) {
    struct node *first = calloc(1, sizeof *first);
    set_value(first->next, 7);
    free(first);
    return 0;
}

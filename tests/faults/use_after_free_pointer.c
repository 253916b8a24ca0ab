/* Follows a pointer that it reads from a block which it has freed: the block's neighbours in the
 * page are live, so that reading it is not stopped, but what is read is no pointer any more. */
#include <stdlib.h>

struct node {
    struct node *next;
    int value;
};

static struct node *append(struct node *list, int value) {
    struct node *node = malloc(sizeof *node);
    node->next = list;
    node->value = value;
    return node;
}

int main(void) {
    struct node *list = NULL, *third = NULL;
    for (int i = 0; i < 200; i++) {
        list = append(list, i);
        if (i == 100)
            third = list;
    }
    struct node *kept = third->next;
    free(third);
    return third->next->value + kept->value == 12345;
}

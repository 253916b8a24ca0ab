/* Drops the only pointer to a block, which holds the only pointer to another one. */
#include <stdlib.h>

struct list {
    struct list *next;
    char text[100];
};

static struct list *new_list(struct list *next) {
    struct list *list = calloc(1, sizeof *list);
    list->next = next;
    return list;
}

int main(void) {
    struct list *list = new_list(new_list(NULL));
    list = NULL;
    return list != NULL;
}

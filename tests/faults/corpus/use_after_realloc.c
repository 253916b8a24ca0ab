/* realloc moved the block; a pointer to its old place is still used. */
#include "shapes.h"

SHAPE(written) {
    char *old = opaque(malloc(61)), *moved = realloc(old, 20000);
    *(char *)opaque(old + 8) = 'w';
    free(moved);
}

SHAPE(read_again) {
    char *old = opaque(calloc(1, 62)), *moved = realloc(old, 20000);
    printf("%d\n", *(char *)opaque(old) == 0);
    free(moved);
}

SHAPE(result_dropped) {
    char *text = opaque(malloc(63));
    if (realloc(text, 5000) == NULL)
        return;
    strcpy(opaque(text), "still the old one");
}

struct table {
    int used, size, *value;
};

static int *add(struct table *table, int value) {
    if (table->used == table->size) {
        table->size = table->size == 0 ? 10 : table->size * 2;
        table->value = opaque(realloc(table->value, sizeof(int) * table->size));
    }
    table->value[table->used] = value;
    return &table->value[table->used++];
}

SHAPE(element_of_a_grown_table) {
    struct table table = {0, 0, NULL};
    int *first = add(&table, 1);
    for (int i = 0; i < 200; i++)
        add(&table, i);
    *(int *)opaque(first) = 2;
    free(table.value);
}

SHAPE(large) {
    char *old = opaque(malloc(100000)), *moved = realloc(old, 90000000);
    if (moved != old)
        *(char *)opaque(old + 5000) = 'w';
    free(moved);
}

struct node {
    struct node *self;
    char text[24];
};

SHAPE(pointer_to_itself) {
    struct node *node = opaque(malloc(sizeof *node));
    node->self = node;
    node = realloc(node, 4000);
    strcpy(((struct node *)opaque(node->self))->text, "of the old place");
    free(node);
}

RUN_ONE()

/* realloc moved the block; a pointer to its old place is still used. */
#include "shapes.h"

static void written(void) {
    char *old = opaque(malloc(61)), *moved = realloc(old, 20000);
    *(char *)opaque(old + 8) = 'w';
    free(moved);
}

static void read_again(void) {
    char *old = opaque(calloc(1, 62)), *moved = realloc(old, 20000);
    printf("%d\n", *(char *)opaque(old) == 0);
    free(moved);
}

static void result_dropped(void) {
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

static void element_of_a_grown_table(void) {
    struct table table = {0, 0, NULL};
    int *first = add(&table, 1);
    for (int i = 0; i < 200; i++)
        add(&table, i);
    *(int *)opaque(first) = 2;
    free(table.value);
}

static void large(void) {
    char *old = opaque(malloc(100000)), *moved = realloc(old, 90000000);
    if (moved != old)
        *(char *)opaque(old + 5000) = 'w';
    free(moved);
}

struct node {
    struct node *self;
    char text[24];
};

static void pointer_to_itself(void) {
    struct node *node = opaque(malloc(sizeof *node));
    node->self = node;
    node = realloc(node, 4000);
    strcpy(((struct node *)opaque(node->self))->text, "of the old place");
    free(node);
}

static const struct shape shapes[] = {
    {"written", written},
    {"read_again", read_again},
    {"result_dropped", result_dropped},
    {"element_of_a_grown_table", element_of_a_grown_table},
    {"large", large},
    {"pointer_to_itself", pointer_to_itself},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

/* Lists, rings, trees and tables that lose their entry, or one part. */
#include "shapes.h"

struct node {
    struct node *next;
    char *name;
    long padding[3];
};

static struct node *push(struct node *list) {
    struct node *node = opaque(calloc(1, sizeof *node));
    node->next = list;
    return node;
}

static struct node *make_list(int count) {
    struct node *list = NULL;
    for (int i = 0; i < count; i++)
        list = push(list);
    return list;
}

static void whole_list(void) {
    make_list(10);
}

static void ring(void) {
    struct node *list = make_list(4), *last = list;
    while (last->next != NULL)
        last = last->next;
    last->next = list;
}

static void points_to_itself(void) {
    struct node *node = make_list(1);
    node->next = node;
}

static void rest_of_a_list(void) {
    struct node *list = make_list(5);
    free(list);
}

static void member(void) {
    struct node *node = make_list(1);
    node->name = opaque(malloc(111));
    free(node);
}

static void with_member(void) {
    struct node *node = make_list(1);
    node->name = opaque(malloc(112));
}

static void table_of_pointers(void) {
    char **table = opaque(calloc(8, sizeof *table));
    for (int i = 0; i < 8; i++)
        table[i] = opaque(malloc(113));
}

static void entries_of_a_freed_table(void) {
    char **table = opaque(calloc(8, sizeof *table));
    for (int i = 0; i < 8; i++)
        table[i] = opaque(malloc(114));
    free(table);
}

static char *slots[4];

static void overwritten_slot(void) {
    for (int i = 0; i < 5; i++)
        slots[i % 4] = opaque(malloc(115));
}

struct tree {
    struct tree *child[2];
};

static struct tree *make_tree(int depth) {
    if (depth == 0)
        return NULL;
    struct tree *tree = opaque(malloc(sizeof *tree));
    tree->child[0] = make_tree(depth - 1);
    tree->child[1] = make_tree(depth - 1);
    return tree;
}

static void whole_tree(void) {
    make_tree(5);
}

static void branch_cut_off(void) {
    static struct tree *root;
    root = make_tree(4);
    root->child[1] = NULL;
}

static const struct shape shapes[] = {
    {"whole_list", whole_list},
    {"ring", ring},
    {"points_to_itself", points_to_itself},
    {"rest_of_a_list", rest_of_a_list},
    {"member", member},
    {"with_member", with_member},
    {"table_of_pointers", table_of_pointers},
    {"entries_of_a_freed_table", entries_of_a_freed_table},
    {"overwritten_slot", overwritten_slot},
    {"whole_tree", whole_tree},
    {"branch_cut_off", branch_cut_off},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

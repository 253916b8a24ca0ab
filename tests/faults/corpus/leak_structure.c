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

SHAPE(whole_list) {
    make_list(10);
}

SHAPE(ring) {
    struct node *list = make_list(4), *last = list;
    while (last->next != NULL)
        last = last->next;
    last->next = list;
}

SHAPE(points_to_itself) {
    struct node *node = make_list(1);
    node->next = node;
}

SHAPE(rest_of_a_list) {
    struct node *list = make_list(5);
    free(list);
}

SHAPE(member) {
    struct node *node = make_list(1);
    node->name = opaque(malloc(111));
    free(node);
}

SHAPE(with_member) {
    struct node *node = make_list(1);
    node->name = opaque(malloc(112));
}

SHAPE(table_of_pointers) {
    char **table = opaque(calloc(8, sizeof *table));
    for (int i = 0; i < 8; i++)
        table[i] = opaque(malloc(113));
}

SHAPE(entries_of_a_freed_table) {
    char **table = opaque(calloc(8, sizeof *table));
    for (int i = 0; i < 8; i++)
        table[i] = opaque(malloc(114));
    free(table);
}

static char *slots[4];

SHAPE(overwritten_slot) {
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

SHAPE(whole_tree) {
    make_tree(5);
}

SHAPE(branch_cut_off) {
    static struct tree *root;
    root = make_tree(4);
    root->child[1] = NULL;
}

RUN_ONE()

/* Lists and trees are walked over nodes that are free. */
#include "shapes.h"

struct node {
    struct node *next, *previous;
    int value;
};

static struct node *push(struct node *list, int value) {
    struct node *node = opaque(calloc(1, sizeof *node));
    node->value = value;
    node->next = list;
    if (list != NULL)
        list->previous = node;
    return node;
}

static struct node *make_list(int count) {
    struct node *list = NULL;
    for (int i = 0; i < count; i++)
        list = push(list, i);
    return list;
}

/* Reads the link of the node that it has just freed. */
SHAPE(next_of_freed_node) {
    for (struct node *node = make_list(5); node != NULL; node = ((struct node *)opaque(node))->next)
        free(node);
}

SHAPE(removed_but_linked) {
    struct node *list = make_list(5), *third = list->next->next;
    free(third);
    for (struct node *node = list; node != NULL; node = ((struct node *)opaque(node))->next)
        node->value++;
}

SHAPE(head_kept_after_clear) {
    struct node *list = make_list(3), *next;
    for (struct node *node = list; node != NULL; node = next) {
        next = node->next;
        free(node);
    }
    ((struct node *)opaque(list))->value = 9;
}

SHAPE(neighbour_writes_into_freed) {
    struct node *list = make_list(3), *second = list->next;
    free(list);
    ((struct node *)opaque(second->previous))->next = NULL;
}

struct tree {
    struct tree *left, *right;
    char key[16];
};

static struct tree *make_tree(int depth) {
    if (depth == 0)
        return NULL;
    struct tree *tree = opaque(malloc(sizeof *tree));
    *tree = (struct tree){make_tree(depth - 1), make_tree(depth - 1), "key"};
    return tree;
}

/* Frees the node before its children. */
static void free_from_the_top(struct tree *tree) {
    if (tree == NULL)
        return;
    free(tree);
    tree = opaque(tree);
    free_from_the_top(tree->left);
    free_from_the_top(tree->right);
}

SHAPE(tree_freed_from_the_top) {
    free_from_the_top(make_tree(4));
}

RUN_ONE()

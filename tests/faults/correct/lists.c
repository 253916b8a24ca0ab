/* Lists, trees, tables and reference counts that give back each node once, and look at none behind
 * it. */
#include "../corpus/shapes.h"

struct node {
    struct node *next, *previous;
    char text[20];
};

static struct node *make_list(int count) {
    struct node *list = NULL;
    for (int i = 0; i < count; i++) {
        struct node *node = opaque(calloc(1, sizeof *node));
        sprintf(node->text, "node %d", i);
        node->next = list;
        if (list != NULL)
            list->previous = node;
        list = node;
    }
    return list;
}

static void free_list(struct node *list) {
    for (struct node *next; list != NULL; list = next) {
        next = list->next;
        free(list);
    }
}

SHAPE(walked_and_freed) {
    free_list(make_list(500));
}

SHAPE(every_second_removed) {
    struct node *list = make_list(100);
    for (struct node *node = list; node != NULL && node->next != NULL; node = node->next) {
        struct node *removed = node->next;
        node->next = removed->next;
        free(removed);
    }
    free_list(list);
}

SHAPE(ring_broken) {
    struct node *list = make_list(10), *last = list;
    while (last->next != NULL)
        last = last->next;
    last->next = list;
    last->next = NULL;
    free_list(list);
}

struct tree {
    struct tree *child[2];
    int key;
};

static struct tree *insert(struct tree *tree, int key) {
    if (tree == NULL) {
        tree = opaque(calloc(1, sizeof *tree));
        tree->key = key;
    } else {
        tree->child[key > tree->key] = insert(tree->child[key > tree->key], key);
    }
    return tree;
}

static void free_tree(struct tree *tree) {
    if (tree != NULL) {
        free_tree(tree->child[0]);
        free_tree(tree->child[1]);
        free(tree);
    }
}

SHAPE(tree_from_below) {
    struct tree *tree = NULL;
    for (int i = 0; i < 500; i++)
        tree = insert(tree, i * 7919 % 1009);
    free_tree(tree);
}

struct counted {
    int references;
    char *name;
};

static void drop(struct counted *counted) {
    if (--counted->references == 0) {
        free(counted->name);
        free(counted);
    }
}

SHAPE(reference_counts) {
    struct counted *counted = opaque(malloc(sizeof *counted));
    *counted = (struct counted){5, strdup("counted")};
    for (int i = 0; i < 5; i++)
        drop(counted);
}

SHAPE(grown_table) {
    int *value = NULL, size = 0;
    for (int used = 0; used < 5000; used++) {
        if (used == size) {
            size = size == 0 ? 4 : size * 2;
            value = opaque(realloc(value, sizeof *value * (size_t)size));
        }
        value[used] = used;
    }
    int *position = &value[1234];
    require(*position == 1234, "found again");
    free(value);
}

SHAPE(freed_set_to_null) {
    char *text = opaque(malloc(50));
    for (int i = 0; i < 3; i++) {
        free(text);
        text = NULL;
    }
}

SHAPE(same_place_again) {
    char *first = opaque(malloc(64));
    free(first);
    for (int i = 0; i < 3000; i++) {
        char *again = opaque(malloc(64));
        memset(again, i, 64);
        free(again);
    }
}

RUN_ALL()

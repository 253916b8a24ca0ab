/* The profile as a tree of calls: top-down from main to the allocating functions, or bottom-up from
 * these to their callers. The value of a node is that of its children and its own. */
#ifndef HAK_VIEWER_PROFILE_TREE_H
#define HAK_VIEWER_PROFILE_TREE_H

#include "viewer/profile/query.h"

struct profile_node {
    uint32_t label, parent;         /* parent: number of a node; the root is 0 */
    uint32_t first_child, children; /* in `order`, after profile_tree_sort */
    struct profile_sums self, total;
    bool is_shown;
};

struct profile_tree {
    struct profile_query *query;
    struct profile_places *places;
    struct profile_node *node; /* the root first; parents before children */
    uint32_t nodes, room;
    uint32_t *order; /* of each node's children, the most first */
    struct hak_index by_child;
    struct profile_path path;
    uint32_t left_out; /* nodes that are not shown */
    bool failed;
};

/* Adds an item to the nodes of its path; for profile_gather, `context` is the tree. */
void profile_tree_take(void *context, const struct profile_item *item);
/* Sorts the nodes, and chooses what is shown: those with the greatest values, query->limit of them
 * (0 = all), and those that lead to them. False without memory. */
bool profile_tree_sort(struct profile_tree *tree);

/* Frees the nodes, order, index and path of a tree. */
void profile_free_tree(struct profile_tree *tree);

/* The sums of a node's children that are not shown, and how many these are. */
uint32_t profile_tree_others(const struct profile_tree *tree, uint32_t node,
                             struct profile_sums *out);

#endif

/* Builds the tree of calls and chooses what of it is shown. */
#include "viewer/profile/tree.h"

#include <stdlib.h>
#include "base/growing.h"

/* Appends a node; 0, and t->failed, where memory ends. */
static uint32_t add_node(struct profile_tree *t, uint32_t parent, uint32_t label) {
    if (!hak_growing_make_room(&t->node, t->nodes, &t->room, sizeof *t->node)) {
        t->failed = true;
        return 0;
    }
    t->node[t->nodes] = (struct profile_node){.label = label, .parent = parent};
    return t->nodes++;
}

/* The parent's child with this label, which is made if there is none. */
static uint32_t find_or_add_child(struct profile_tree *t, uint32_t parent, uint32_t label) {
    uint64_t key = (uint64_t)parent << 32 | label, at = 0;
    uint32_t row = hak_index_find(&t->by_child, key, &at);
    if (row)
        return row - 1;
    uint32_t node = add_node(t, parent, label);
    t->failed = t->failed || !hak_index_add(&t->by_child, key, node + 1);
    return node;
}

void profile_tree_take(void *context, const struct profile_item *item) {
    struct profile_tree *t = context;
    if (t->nodes == 0)
        add_node(t, 0, 0);
    if (t->failed || t->places->failed || t->places->error ||
        !profile_read_path(t->places, item->stack, &t->path) || t->path.is_left_out)
        return;
    uint32_t node = 0;
    bool is_folded = t->query->per >= PROFILE_FILE; /* calls inside of one are no step */
    profile_add_sums(&t->node[0].total, &item->sums);
    for (uint32_t i = 0; i < t->path.count && !t->failed; i++) {
        uint32_t at = t->query->is_bottom_up ? i : t->path.count - 1 - i;
        const struct profile_place *place = &t->places->place[t->path.place[at]];
        if (is_folded && node && t->node[node].label == place->label[t->query->per])
            continue;
        node = find_or_add_child(t, node, place->label[t->query->per]);
        if (!t->failed)
            profile_add_sums(&t->node[node].total, &item->sums);
    }
    if (!t->failed)
        profile_add_sums(&t->node[node].self, &item->sums);
}

/* ---- order -------------------------------------------------------------------------------------
 */

static int64_t value_of_node(const struct profile_tree *t, uint32_t node) {
    return profile_value(t->query, &t->node[node].total, t->query->by);
}

/* Orders nodes by parent, then by value, largest first, then by label. */
static int compare_siblings(const void *a, const void *b, void *context) {
    const struct profile_tree *t = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (t->node[x].parent != t->node[y].parent)
        return t->node[x].parent < t->node[y].parent ? -1 : 1;
    int64_t x_value = value_of_node(t, x), y_value = value_of_node(t, y);
    if (x_value != y_value)
        return x_value < y_value ? 1 : -1;
    int order = profile_compare_labels(&t->places->label[t->node[x].label],
                                       &t->places->label[t->node[y].label]);
    return order ? order : x < y ? -1 : x > y;
}

static uint64_t size_of(const struct profile_tree *t, uint32_t node) {
    int64_t value = value_of_node(t, node);
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* Orders nodes by size, largest first, parents before their children. */
static int compare_sizes(const void *a, const void *b, void *context) {
    const struct profile_tree *t = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t x_size = size_of(t, x), y_size = size_of(t, y);
    if (x_size != y_size)
        return x_size < y_size ? 1 : -1;
    return x < y ? -1 : x > y; /* parents first */
}

/* Shows a node and what leads to it. */
static void show_node(struct profile_tree *t, uint32_t node) {
    for (; !t->node[node].is_shown; node = t->node[node].parent)
        t->node[node].is_shown = true;
}

/* Marks the largest nodes, up to the limit, with all above them as shown; false where memory ends.
 */
static bool choose_nodes(struct profile_tree *t) {
    uint32_t *by_size = calloc(t->nodes, sizeof *by_size);
    if (!by_size)
        return false;
    for (uint32_t i = 0; i < t->nodes; i++)
        by_size[i] = i;
    qsort_r(by_size, t->nodes, sizeof *by_size, compare_sizes, t);
    t->node[0].is_shown = true;
    uint64_t most = t->query->limit ? t->query->limit + 1 : UINT64_MAX; /* and the root */
    for (uint32_t i = 0; i < t->nodes && i < most; i++)
        if (size_of(t, by_size[i]))
            show_node(t, by_size[i]);
    free(by_size);
    for (uint32_t i = 0; i < t->nodes; i++)
        t->left_out += !t->node[i].is_shown;
    return true;
}

bool profile_tree_sort(struct profile_tree *t) {
    if (t->nodes == 0)
        add_node(t, 0, 0);
    if (t->failed || !(t->order = calloc(t->nodes, sizeof *t->order)))
        return false;
    for (uint32_t i = 1; i < t->nodes; i++)
        t->order[i - 1] = i;
    qsort_r(t->order, t->nodes - 1, sizeof *t->order, compare_siblings, t);
    for (uint32_t i = 0; i + 1 < t->nodes; i++) {
        struct profile_node *parent = &t->node[t->node[t->order[i]].parent];
        if (parent->children++ == 0)
            parent->first_child = i;
    }
    return choose_nodes(t);
}

uint32_t profile_tree_others(const struct profile_tree *t, uint32_t node,
                             struct profile_sums *out) {
    const struct profile_node *n = &t->node[node];
    uint32_t count = 0;
    *out = (struct profile_sums){0};
    for (uint32_t i = 0; i < n->children; i++) {
        const struct profile_node *child = &t->node[t->order[n->first_child + i]];
        if (child->is_shown)
            continue;
        profile_add_sums(out, &child->total);
        count++;
    }
    return count;
}

void profile_free_tree(struct profile_tree *t) {
    free(t->node);
    free(t->order);
    hak_index_free(&t->by_child);
    profile_free_path(&t->path);
    t->node = NULL;
    t->order = NULL;
}

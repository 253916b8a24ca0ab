/* Puts the lines of the table together. */
#include "viewer/view/lines.h"

#include <stdlib.h>
#include "base/growing.h"

#define OPEN_FROM_PERCENT 10 /* nodes that are open at first have as much of the whole */

static bool is_list(const struct lines *l) {
    return l->kind == LINES_TOP;
}

static uint64_t id_of_group(const struct lines *l, const struct profile_group *group) {
    return l->per < PROFILE_KEYS ? data_label_id(&l->data->places.label[group->key]) : group->key;
}

/* ---- what came since the last refresh ----------------------------------------------------------
 */

/* The calls last seen of a line with this id, or NULL. */
static struct lines_seen *find_seen(const struct lines *l, uint64_t id) {
    uint64_t at = 0;
    uint32_t row = hak_index_find(&l->by_seen, id, &at);
    return row ? &l->seen[row - 1] : NULL;
}

/* Finds the calls last seen of a line, which is made; NULL without memory: then nothing is marked.
 */
static struct lines_seen *need_seen(struct lines *l, uint64_t id) {
    struct lines_seen *seen = find_seen(l, id);
    if (seen)
        return seen;
    if (!hak_growing_make_room(&l->seen, l->seens, &l->seen_room, sizeof *l->seen) ||
        !hak_index_add(&l->by_seen, id, l->seens + 1))
        return NULL;
    l->seen[l->seens] = (struct lines_seen){0};
    return &l->seen[l->seens++];
}

/* Marks lines with more calls than at the last refresh; where only names have come, the marks stay
 * those of the last events. */
static void mark_new(struct lines *l, bool is_refresh) {
    for (uint32_t i = 0; i < l->count; i++) {
        struct line *line = &l->line[i];
        uint64_t calls = lines_sums(l, i)->came.blocks;
        struct lines_seen *seen = need_seen(l, line->id);
        if (!seen)
            continue;
        if (!is_refresh)
            seen->before = calls;
        else if (l->data->new_events)
            seen->before = seen->now;
        seen->now = calls;
        line->is_new = seen->now > seen->before;
    }
}

/* ---- the list ----------------------------------------------------------------------------------
 */

/* Appends a line; false where memory ends. */
static bool add_line(struct lines *l, const struct line *line) {
    if (!hak_growing_make_room(&l->line, l->count, &l->room, sizeof *l->line))
        return false;
    l->line[l->count++] = *line;
    return true;
}

/* Orders lines by the sorted column, largest first. */
static int compare_lines(const void *a, const void *b, void *context) {
    const struct lines *l = context;
    const struct line *x = a, *y = b;
    int64_t x_value = column_value(l->sort, &l->groups.group[x->number].self);
    int64_t y_value = column_value(l->sort, &l->groups.group[y->number].self);
    if (x_value != y_value)
        return x_value < y_value ? 1 : -1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Makes one line of each group, sorted. 0, or a status without memory. */
static int put_list(struct lines *l) {
    l->count = 0;
    for (uint32_t i = 0; i < l->groups.groups; i++)
        if (!add_line(l, &(struct line){.id = id_of_group(l, &l->groups.group[i]), .number = i}))
            return VIEW_USAGE;
    if (l->count)
        qsort_r(l->line, l->count, sizeof *l->line, compare_lines, l);
    return 0;
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

/* Whether the user opened or closed the line with this id; NULL where neither. */
static bool *find_open(const struct lines *l, uint64_t id) {
    uint64_t at = 0;
    uint32_t row = hak_index_find(&l->by_open, id, &at);
    return row ? &l->is_open[row - 1] : NULL;
}

/* Remembers that the user opened or closed a line; false where memory ends. */
static bool set_open(struct lines *l, uint64_t id, bool is_open) {
    bool *known = find_open(l, id);
    if (known) {
        *known = is_open;
        return true;
    }
    if (!hak_growing_make_room(&l->is_open, l->opens, &l->open_room, sizeof *l->is_open) ||
        !hak_index_add(&l->by_open, id, l->opens + 1))
        return false;
    l->is_open[l->opens++] = is_open;
    return true;
}

/* Whether a node is open: as the person left it; at first what has much, so that the way to it is
 * seen. */
static bool settle_open(struct lines *l, uint64_t id, uint32_t node, uint32_t parent) {
    const struct profile_tree *t = &l->tree;
    const bool *known = find_open(l, id);
    if (known)
        return *known;
    int64_t all = column_value(l->sort, &t->node[0].total);
    int64_t part = column_value(l->sort, &t->node[node].total);
    bool is_much = (parent == 0 || t->node[parent].children < 4) && all > 0 &&
                   part >= all / 100 * OPEN_FROM_PERCENT;
    set_open(l, id, is_much);
    return is_much;
}

/* Appends a line for each child of a node, and below an open one for its children. 0, or a status
 * without memory. */
static int put_children(struct lines *l, uint32_t parent, uint64_t parent_id, uint16_t depth) {
    const struct profile_tree *t = &l->tree;
    const struct profile_node *above = &t->node[parent];
    for (uint32_t i = 0; i < above->children; i++) {
        uint32_t node = t->order[above->first_child + i];
        const struct profile_node *n = &t->node[node];
        uint64_t label = data_label_id(&l->data->places.label[n->label]);
        struct line line = {.id = hak_index_mix(parent_id, label),
                            .number = node,
                            .depth = depth,
                            .has_children = n->children > 0,
                            .is_only = parent && above->children == 1};
        line.is_open = line.has_children && settle_open(l, line.id, node, parent);
        if (!add_line(l, &line))
            return VIEW_USAGE;
        uint16_t below = (uint16_t)(depth + (n->children > 1));
        if (line.is_open && put_children(l, node, line.id, below) != 0)
            return VIEW_USAGE;
    }
    return 0;
}

static int put_tree(struct lines *l) {
    l->count = 0;
    return put_children(l, 0, 1, 0);
}

/* Sets the question's measure to the sorted column, as `top` --by has it. */
static void set_measure(struct lines *l) {
    static const struct {
        enum profile_measure by;
        bool is_span; /* else of what is live */
    } measures[COLUMNS] = {
        [COLUMN_LIVE] = {PROFILE_BYTES, false},  [COLUMN_BLOCKS] = {PROFILE_BLOCKS, false},
        [COLUMN_CALLS] = {PROFILE_CALLS, true},  [COLUMN_SHORT] = {PROFILE_SHORT_LIVED, true},
        [COLUMN_CAME] = {PROFILE_BYTES, true},   [COLUMN_WENT] = {PROFILE_BYTES, true},
        [COLUMN_GROWN] = {PROFILE_GROWTH, true},
    };
    l->query.by = measures[l->sort].by;
    l->query.is_span = measures[l->sort].is_span;
}

/* ---- both --------------------------------------------------------------------------------------
 */

/* Frees the groups and the tree that the lines are made of. */
static void free_sources(struct lines *l) {
    profile_free_groups(&l->groups);
    profile_free_tree(&l->tree);
    l->groups = (struct profile_groups){0};
    l->tree = (struct profile_tree){0};
}

/* Groups the data and makes the lines of it; on an error the old ones stay. */
static int make_list(struct lines *l) {
    struct profile_groups groups = {0};
    int status = data_is_by_block(l->per)
                     ? data_group_blocks(l->data, l->per, NULL, &l->query, &groups)
                     : data_group(l->data, l->per, &l->query, &groups, NULL, NULL);
    if (status != 0) {
        profile_free_groups(&groups);
        return status;
    }
    free_sources(l);
    l->groups = groups;
    return put_list(l);
}

/* Makes the tree and the lines of it; on an error the old ones stay. */
static int make_tree(struct lines *l) {
    struct profile_tree tree;
    enum profile_key per = l->per < PROFILE_KEYS ? l->per : PROFILE_FUNCTION;
    int status = data_make_tree(l->data, per, l->kind == LINES_CALLERS, &l->query, &tree);
    set_measure(l);
    if (status == 0 && !profile_tree_sort(&tree))
        status = VIEW_USAGE;
    if (status != 0) {
        profile_free_tree(&tree);
        return status;
    }
    free_sources(l);
    l->tree = tree;
    return put_tree(l);
}

int lines_make(struct lines *l, bool is_refresh) {
    int status = is_list(l) ? make_list(l) : make_tree(l);
    if (status == 0) {
        mark_new(l, is_refresh);
    } else {
        free_sources(l); /* their labels may be gone */
        l->count = 0;
    }
    return status;
}

void lines_free(struct lines *l) {
    free_sources(l);
    free(l->line);
    free(l->is_open);
    free(l->seen);
    hak_index_free(&l->by_open);
    hak_index_free(&l->by_seen);
}

bool lines_set_open(struct lines *l, uint32_t i, bool is_open) {
    if (is_list(l) || i >= l->count || !l->line[i].has_children || l->line[i].is_open == is_open)
        return false;
    return set_open(l, l->line[i].id, is_open) && put_tree(l) == 0;
}

uint32_t lines_parent(const struct lines *l, uint32_t i) {
    if (is_list(l) || i >= l->count)
        return i;
    uint32_t parent = l->tree.node[l->line[i].number].parent;
    for (uint32_t k = i; k-- > 0;)
        if (l->line[k].number == parent)
            return k;
    return i;
}

bool lines_is_below(const struct lines *l, uint32_t i, uint32_t above) {
    uint32_t node = l->tree.node[l->line[i].number].parent;
    while (node && node != l->line[above].number)
        node = l->tree.node[node].parent;
    return node != 0;
}

int64_t lines_find(const struct lines *l, uint64_t id) {
    for (uint32_t i = 0; i < l->count; i++)
        if (l->line[i].id == id)
            return i;
    return -1;
}

const struct profile_sums *lines_sums(const struct lines *l, uint32_t i) {
    uint32_t number = l->line[i].number;
    return is_list(l) ? &l->groups.group[number].self : &l->tree.node[number].total;
}

static const struct profile_label *label_of(const struct lines *l, uint32_t i) {
    return &l->data->places.label[l->tree.node[l->line[i].number].label];
}

void lines_add_name(struct hak_text *text, struct lines *l, uint32_t i) {
    /* Both hold a pointer to the query, which lies in the lines. */
    if (is_list(l))
        profile_add_group_name(text, &l->groups, &l->groups.group[l->line[i].number]);
    else
        profile_add_name(text, label_of(l, i), l->query.per);
}

void lines_add_where(struct hak_text *text, struct lines *l, uint32_t i) {
    if (is_list(l))
        profile_add_group_where(text, &l->groups, &l->groups.group[l->line[i].number]);
    else
        profile_add_where(text, label_of(l, i), l->query.per);
}

/* ---- the stacks of a line ----------------------------------------------------------------------
 */

bool lines_kind_of(const struct lines *l, uint32_t i, struct data_kind *out) {
    if (!is_list(l) || !data_is_by_block(l->query.per))
        return false;
    *out = (struct data_kind){l->query.per, l->groups.group[l->line[i].number].key};
    return true;
}

/* Notes the labels from the root to a line, by which lines_has() chooses stacks. */
void lines_make_chain(const struct lines *l, uint32_t i, struct lines_chain *out) {
    uint32_t number = l->line[i].number;
    out->lines = l;
    out->length = 0;
    if (is_list(l)) {
        out->label[out->length++] = (uint32_t)l->groups.group[number].key;
        return;
    }
    for (uint32_t node = number; node; node = l->tree.node[node].parent)
        out->length++;
    uint32_t at = out->length;
    for (uint32_t node = number; node; node = l->tree.node[node].parent)
        out->label[--at] = l->tree.node[node].label;
}

/* Whether an item's stack goes through the line that the chain was made of. */
bool lines_has(void *chain, const struct profile_item *item, const struct profile_path *path) {
    const struct lines_chain *c = chain;
    const struct lines *l = c->lines;
    const struct profile_place *place = l->data->places.place;
    enum profile_key per = l->query.per;
    uint32_t found = 0;
    if (is_list(l) && per == PROFILE_PROCESS)
        return item->process == c->label[0];
    if (is_list(l))
        return place[path->place[0]].label[per] == c->label[0];
    for (uint32_t i = 0; i < path->count && found < c->length; i++) {
        uint32_t at = l->kind == LINES_CALLERS ? i : path->count - 1 - i;
        uint32_t label = place[path->place[at]].label[per];
        if (per >= PROFILE_FILE && found && c->label[found - 1] == label)
            continue; /* calls inside of a file are no step */
        if (label != c->label[found])
            return false;
        found++;
    }
    return found == c->length;
}

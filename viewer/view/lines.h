/* The lines of the table: functions (or lines, files, modules, stacks, classes, sizes, lifetimes,
 * threads, processes), or a tree of calls, top-down or bottom-up, whose nodes can be opened and
 * closed.
 *
 * A line has an `id` that stays when the data are made anew, so that the cursor stays on it. */
#ifndef HAK_VIEWER_VIEW_LINES_H
#define HAK_VIEWER_VIEW_LINES_H

#include "viewer/view/columns.h"
#include "viewer/view/data.h"

enum lines_kind { LINES_TOP, LINES_TREE, LINES_CALLERS };

struct line {
    uint64_t id;
    uint32_t number; /* of the group, or the node */
    uint16_t depth;
    bool has_children, is_open;
    bool is_only; /* the only child of the line above it */
    bool is_new;  /* has more calls than at the last refresh */
};

struct lines_seen {
    uint64_t before, now; /* calls, at the refresh before the last one, and at the last */
};

struct lines {
    struct data *data;
    enum lines_kind kind;
    enum profile_key per;
    enum column sort;
    struct profile_query query;
    struct profile_groups groups;
    struct profile_tree tree;
    struct line *line;
    uint32_t count, room;
    struct hak_index by_open; /* of a node's id: row in is_open + 1 */
    bool *is_open;
    uint32_t opens, open_room;
    struct hak_index by_seen; /* of a line's id: row in seen + 1 */
    struct lines_seen *seen;
    uint32_t seens, seen_room;
};

/* Makes the lines of what the data have now. 0 or a status: then there are none. `is_refresh`:
 * lines with more calls than the last time are marked. */
int lines_make(struct lines *lines, bool is_refresh);

/* Frees the lines, their groups or tree, and what is known of open and seen ones. */
void lines_free(struct lines *lines);
/* Opens or closes a node; false: it has nothing to open. */
bool lines_set_open(struct lines *lines, uint32_t line, bool is_open);
/* The line above this one in the tree, itself where there is none. */
uint32_t lines_parent(const struct lines *lines, uint32_t line);
/* Whether the node of a line lies below that of another one. */
bool lines_is_below(const struct lines *lines, uint32_t line, uint32_t above);
/* The line with this id, -1 = it is gone. */
int64_t lines_find(const struct lines *lines, uint64_t id);
const struct profile_sums *lines_sums(const struct lines *lines, uint32_t line);
/* Appends the name, and where it is. */
void lines_add_name(struct hak_text *text, struct lines *lines, uint32_t line);

/* Appends the place of a line: of its group in a list, of its label in a tree. */
void lines_add_where(struct hak_text *text, struct lines *lines, uint32_t line);

/* Finds the kind that the blocks of a line share; false where it is made of stacks. */
bool lines_kind_of(const struct lines *lines, uint32_t line, struct data_kind *out);
/* The stacks that a line is made of: is this item's one of them? `chain`, a struct lines_chain, is
 * made by lines_make_chain. */
struct lines_chain {
    const struct lines *lines;
    uint32_t label[1025]; /* from the root on; of a list: the line's alone */
    uint32_t length;
};
void lines_make_chain(const struct lines *lines, uint32_t line, struct lines_chain *out);
bool lines_has(void *chain, const struct profile_item *item, const struct profile_path *path);

#endif

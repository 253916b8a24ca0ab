/* Parts of the page: numbers in few bytes, functions and stacks, steps, facts. */
#ifndef HAK_VIEWER_HTML_PARTS_H
#define HAK_VIEWER_HTML_PARTS_H

#include "base/json.h"
#include "viewer/capture/capture.h"
#include "viewer/profile/profile.h"

/* ---- numbers, in base 128, the low bits first, and as base64 (pack.c) -------------------------
 */
struct html_pack {
    uint8_t *bytes;
    uint32_t count, room;
    bool failed;
};

/* Appends a number, seven bits a byte, the lowest first. */
void html_pack_number(struct html_pack *pack, uint64_t value);
/* 0, -1, 1, -2, ... */
void html_pack_signed(struct html_pack *pack, int64_t value);
/* The bytes as a JSON text; NULL without memory. Frees the pack. */
json_t *html_pack_json(struct html_pack *pack);

/* ---- texts, each once -------------------------------------------------------------------------
 */
struct html_texts {
    json_t *list;
    struct hak_index by_text; /* number + 1 */
};
/* The number of a text, which is added if it is new; 0 is "", and the answer without memory. */
uint32_t html_number_text(struct html_texts *texts, const char *text);

/* ---- stacks (stacks.c) ------------------------------------------------------------------------
 */
struct html_node {
    uint32_t parent, label; /* of its function; the root is node 0, its own parent */
    uint32_t line;          /* in the function, 0 = not known */
    uint8_t shown;          /* enum profile_shown */
    uint32_t next, first;   /* sibling, child; 0 = none */
    uint32_t place;         /* in the order in which the page has them */
};

/* The functions of all stacks with their lines as a tree, from the outermost on, those that the
 * page folds at first among them: one node for each row of the timeline, where it allocated. */
struct html_stacks {
    struct profile_places places;
    struct html_node *node;
    uint32_t nodes, room;
    struct hak_index by_child; /* node + 1 */
    uint32_t *node_of_row;
    uint32_t *module_of_label; /* the label of its module + 1 */
    uint32_t module_room;
    bool failed;
};
/* Reads the stacks of the timeline's rows as a tree. 0, or an exit status: the error is printed.
 * The caller frees it in any case. */
int html_read_stacks(struct view *view, const struct timeline *timeline, struct html_stacks *out);
void html_free_stacks(struct html_stacks *stacks);
/* Sets "functions", "places", "tree" and "growth". Without memory the thread's next hak_json_dump
 * fails. */
void html_set_stacks(json_t *data, struct html_stacks *stacks, struct html_texts *texts,
                     const struct growth *growth);

/* ---- steps (steps.c) --------------------------------------------------------------------------
 */
/* Sets "rows" and "steps"; steps are put together until they take no more than `most_bytes`, and
 * 60 are left. False without memory. */
bool html_set_steps(json_t *data, const struct timeline *timeline, const struct html_stacks *stacks,
                    uint64_t most_bytes);

/* ---- facts (facts.c) --------------------------------------------------------------------------
 */
/* Sets the facts of the page beside stacks and steps. 0, or an exit status: the error is printed.
 */
int html_set_facts(struct view *view, json_t *data, const struct timeline *timeline,
                   uint32_t process);

#endif

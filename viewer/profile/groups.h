/* The profile as a list: what was asked for, put together by function, line, file, module, stack,
 * class, size, lifetime, thread or process.
 *
 *   items --> profile_groups_take --> groups (self, with callees) --> sorted --> lines, JSON
 *
 * `self` of all groups together is the total; `total` of one has also what its callees did, which
 * is counted in theirs, too. */
#ifndef HAK_VIEWER_PROFILE_GROUPS_H
#define HAK_VIEWER_PROFILE_GROUPS_H

#include "viewer/profile/query.h"

#define PROFILE_SPANS 2048 /* of a histogram of lifetimes: 32 for each doubling */

struct profile_group {
    uint64_t key; /* a label, or what the blocks have in common; from bit 32 on their pool */
    struct profile_sums self, total;
    uint64_t stamp; /* of the item that was added last to `total` */
    bool goes_on;   /* it still grows (growth.h) */
};

struct profile_groups {
    struct profile_query *query;
    struct profile_places *places;
    struct profile_group *group;
    uint32_t groups, room;
    struct hak_index by_key;
    struct profile_sums all;
    struct profile_path path;
    uint64_t stamp;
    uint64_t lifetimes[PROFILE_SPANS], lives; /* with PROFILE_LIFETIME */
    bool failed;
};

/* The key that the blocks of an item share under `per`, which is none of places. */
uint64_t profile_item_key(const struct profile_item *item, enum profile_key per);

/* Adds an item to its group; for profile_gather, `context` is the groups. */
void profile_groups_take(void *context, const struct profile_item *item);
/* Takes what grew in the span of `growth`, by the rows of its timeline. */
void profile_groups_take_growth(struct profile_groups *g, const struct growth *growth);
/* Sets goes_on of all groups, by the rows of its timeline: before they are sorted. Groups by class,
 * size, lifetime or thread, which rows do not have, never go on. */
void profile_groups_mark_growth(struct profile_groups *g, const struct growth *growth);
/* Sorts the groups: the most first, those that still grow before them; for sizes, classes and
 * lifetimes the least first. Groups with nothing of their own are dropped. */
void profile_groups_sort(struct profile_groups *g);

/* Frees the groups, their index and path. */
void profile_free_groups(struct profile_groups *g);

/* Appends what a group is called, and where it is ("" where that says nothing more). */
void profile_add_group_name(struct hak_text *text, struct profile_groups *g,
                            const struct profile_group *group);

/* Appends where a group lies: the place of a label, or a thread's process if there are several;
 * nothing for other keys. */
void profile_add_group_where(struct hak_text *text, const struct profile_groups *g,
                             const struct profile_group *group);
/* Both: "parse_row (app/parse.c:210)". */
void profile_add_group(struct hak_text *text, struct profile_groups *g,
                       const struct profile_group *group);
/* The key without the pool. */
static inline uint32_t profile_group_key(const struct profile_group *group) {
    return (uint32_t)group->key;
}
/* The pool of a group of pieces, 0 = it has none; of PROFILE_POOL the group is one. */
static inline uint32_t profile_group_pool(const struct profile_group *group) {
    return (uint32_t)(group->key >> 32);
}
/* True when groups have callees. */
bool profile_has_callees(const struct profile_query *q);
/* The time within which `percent` of the lives ended, at most 4 % more. */
uint64_t profile_lifetime_within(const struct profile_groups *g, unsigned percent);

#endif

/* Queries of `top`, `heap` and `diff`, and the store's answers: sums by process, thread and
 * allocation stack, or by block, of a moment or of a span.
 *
 *   options --query.c--> struct profile_query --gather.c--> items --> groups, tree
 *
 * A moment has what was live then; a span what came, went, lived shortly and grew in it. */
#ifndef HAK_VIEWER_PROFILE_QUERY_H
#define HAK_VIEWER_PROFILE_QUERY_H

#include <regex.h>
#include "viewer/capture/capture.h"
#include "viewer/profile/growth.h"
#include "viewer/profile/places.h"
#include "viewer/profile/pools.h"
#include "store/history/history.h"

enum { PROFILE_ROWS_SHOWN = 30 }; /* by a table without --limit */

enum profile_measure {
    PROFILE_BYTES, /* of a moment: live; of a span: that came */
    PROFILE_BLOCKS,
    PROFILE_CALLS, /* blocks that came */
    PROFILE_SHORT_LIVED,
    PROFILE_GROWTH, /* bytes live at the end of a span more than at its start */
    PROFILE_MEASURES,
};

struct profile_sums {
    struct hak_amount live, came, went, brief, before; /* before: live at the start of a span */
};

struct profile_query {
    struct view *view;
    enum profile_key per;
    enum profile_measure by;
    bool is_span;
    struct view_moment from, at; /* of a span: its start and end; of a moment: `at` */
    uint32_t process;            /* row id, 0 = all */
    uint64_t thread;             /* its number in its process, 0 = all */
    uint64_t brief_calls, limit;
    bool is_tree, is_bottom_up, shows_all;
    bool is_mapped;             /* what the program mapped itself, instead of blocks */
    bool is_of_pools;           /* pieces of the program's own pools, instead of blocks */
    struct profile_pools pools; /* of these pieces, as profile_gather found them */
    bool finds_growth;          /* growth, and no time was given: profile_gather finds the span */
    struct growth *growth;      /* as it found it; NULL = it was not asked to */
    bool has_focus, has_ignore;
    regex_t focus, ignore;
};

/* Reads the options that all have; the defaults of `at`, `by` and `per` are in the query. False:
 * the error is printed. */
bool profile_read_query(struct view *view, struct profile_query *q);
/* As profile_read_query, for an answer that may end before a damage: so does a moment behind it. */
bool profile_read_query_before_damage(struct view *view, struct profile_query *q);
/* Makes two views: of two captures, or of one at two moments, as the arguments or --between of
 * `command` say. False, and said: they are not two. */
bool profile_choose_sides(const struct view *view, const char *command, struct view *old,
                          struct view *new);
/* Frees its growth, which profile_gather finds anew. */
void profile_free_growth(struct profile_query *q);
/* Frees what the query holds: its growth and its regular expressions. */
void profile_free_query(struct profile_query *q);
/* When a moment of the query is, in ns since the capture's start; the peak must be settled. */
uint64_t profile_time(const struct profile_query *q, const struct view_moment *at);
/* "function", "bytes": as they are typed. */
const char *profile_key_name(enum profile_key key);
const char *profile_measure_name(enum profile_measure measure);

/* The value by which is sorted; of growth negative, too. */
int64_t profile_value(const struct profile_query *q, const struct profile_sums *sums,
                      enum profile_measure measure);
void profile_add_sums(struct profile_sums *to, const struct profile_sums *more);
int64_t profile_growth_bytes(const struct profile_sums *sums);
int64_t profile_growth_blocks(const struct profile_sums *sums);

/* Blocks of one process, thread and stack; with PROFILE_CLASS and what is below it also of one
 * size, class and lifetime. */
struct profile_item {
    uint32_t process, thread, stack; /* row ids; thread 0 where it was not asked for */
    uint8_t class_index;
    uint32_t pool; /* with is_of_pools: its row in the query's pools + 1, else 0 */
    uint64_t size, lifetime_ns;
    bool is_open, has_lifetime;
    struct profile_sums sums;
};

/* Facts of the whole, before --thread, --focus and --ignore leave anything out. */
struct profile_facts {
    uint64_t unknown; /* blocks given back in the span, never seen to come */
    uint64_t from_ns, to_ns;
    uint64_t closed_bytes; /* with is_mapped: mapped, and nobody may touch it; in no item */
};

/* Hands what was asked for to `take`, and settles q->at where it is the peak. 0, or an exit status:
 * the error is printed. */
int profile_gather(struct profile_query *q, struct profile_facts *facts,
                   void (*take)(void *context, const struct profile_item *item), void *context);

#endif

/* The numbers of a line of the profile, as cells and as JSON. */
#ifndef HAK_VIEWER_PROFILE_COLUMNS_H
#define HAK_VIEWER_PROFILE_COLUMNS_H

#include "viewer/profile/memory.h"
#include "viewer/profile/query.h"

/* Adds a number, "1,234", "-1,234", with a '+' where `is_change`. */
void profile_add_number(struct hak_text *text, int64_t value, bool is_change);
/* The numbers of a row, the one that is sorted by first: its heading, NULL = there is no such
 * column; its cell. "61.2 %", at the right of its column; "" of nothing. */
const char *profile_heading(const struct profile_query *q, unsigned column);

/* Appends the column's number; short-lived calls as percent of the calls unless it is sorted by
 * them. Nothing: there is no such column. */
void profile_add_column(struct hak_text *text, const struct profile_query *q,
                        const struct profile_sums *sums, unsigned column);

/* Appends the share in percent that the sums have of `all`, by the measure that is sorted by;
 * nothing if `all` has none. */
void profile_add_share(struct hak_text *text, const struct profile_query *q,
                       const struct profile_sums *sums, const struct profile_sums *all);
#define PROFILE_NUMBER(q, sums, column)                                                            \
    MADE(profile_heading(q, column), profile_add_column, q, sums, column)
#define PROFILE_NUMBERS(q, sums, all)                                                              \
    MADE("   share", profile_add_share, q, sums, all), PROFILE_NUMBER(q, sums, 0),                 \
        PROFILE_NUMBER(q, sums, 1), PROFILE_NUMBER(q, sums, 2), PROFILE_NUMBER(q, sums, 3)

/* Adds the total in words: "1.2 MiB in 12,000 blocks", or what came, went and grew. */
void profile_add_total(struct hak_text *text, const struct profile_query *q,
                       const struct profile_sums *all);
/* Appends "between 1.000 s (event 4) and the end (2.000 s)", or the moment. */
void profile_add_when(struct hak_text *text, const struct profile_query *q);

/* Names the part of the time that the span of `growth` is. */
const char *profile_growth_words(const struct growth *growth);

json_t *profile_sums_json(const struct profile_query *q, const struct profile_sums *sums);
json_t *profile_moment_json(const struct profile_query *q, const struct view_moment *at);
/* Sets what of a label is known: function, file, line, module, module_offset. */
void profile_set_label(json_t *object, const struct profile_label *label);
/* Sets per, by, from, at, and the filters. */
void profile_set_query(json_t *document, const struct profile_query *q);
/* The memory of a moment in `heap`: "memory" of the schema. `has_superslabs`: false where they are
 * not known. */
json_t *profile_memory_json(const struct profile_memory_totals *memory, bool has_superslabs);

#endif

/* Rows of CSV as RFC 4180 has it, from the members that JSON has: commas between, quotes around
 * what has commas or quotes. Foreign text comes in its visible form (report/text/text.h), so that a
 * row is a line. */
#ifndef HAK_VIEWER_EXPORT_CSV_H
#define HAK_VIEWER_EXPORT_CSV_H

#include "report/text/text.h"
#include "report/words/words.h"

/* Appends the members' values as a row or, for the heading, their names. */
void csv_add_members(struct hak_text *text, bool is_heading, const struct hak_member *member);
#define csv_row(text, is_heading, ...)                                                             \
    csv_add_members(text, is_heading,                                                              \
                    (const struct hak_member[]){__VA_ARGS__, {.kind = HAK_MEMBER_NONE}})

#endif

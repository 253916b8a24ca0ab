/* Columns that fit their widest cell; numbers stand at the right, texts at the left. */
#ifndef HAK_VIEWER_TABLE_H
#define HAK_VIEWER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include "view.h"

#define TABLE_COLUMNS_MAX 48

struct table {
    char **cell; /* row by row, the headings first */
    uint32_t count, capacity;
    int columns;
    bool is_text[TABLE_COLUMNS_MAX]; /* stands at the left */
    bool failed;
};

/* Headings first, all of them; then rows, cell by cell. Text is copied, in its visible form
 * (report/text.h). */
void table_add_heading(struct table *t, const char *text);
void table_add_text_heading(struct table *t, const char *text);
void table_add_cell(struct table *t, const char *text);
/* The same for a number with separators; nothing for 0. */
void table_add_count(struct table *t, uint64_t value);
/* Appends the table to `text` and frees it. */
void table_print(struct hak_text *text, struct table *t, const struct view *view);

#endif

/* A table takes cells row by row and prints them in columns that fit the widest of them. Calls
 * report (text). One thread. */
#ifndef HAK_VIEWER_CLI_TABLE_H
#define HAK_VIEWER_CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "report/text/text.h"

struct view;

/* Columns that fit their widest cell; numbers stand at the right, texts at the left. */
#define TABLE_COLUMNS_MAX 48

struct table {
    char **cell; /* row by row, the headings first */
    uint32_t count, capacity;
    struct table_lines *below; /* by row */
    uint32_t below_count, below_capacity;
    int columns;
    bool is_text[TABLE_COLUMNS_MAX]; /* stands at the left */
    bool is_fixed; /* columns fit their headings; what is wider moves the rest of its line */
    /* Width into which lines are broken, between words, where they do not fit: first the texts
     * behind the numbers, in their own room; where that is narrow, on lines below. 0 = none. */
    int fit;
    bool failed;
};

/* Headings first, all of them; then rows, cell by cell. Text is copied, in its visible form
 * (report/text/text.h). */
void table_add_heading(struct table *t, const char *text);

/* Adds a heading as table_add_heading does, of a column of texts, which begin at its left. */
void table_add_text_heading(struct table *t, const char *text);
/* Adds several headings with bars between, those of texts behind a '<': "blocks|bytes|<where". */
void table_add_headings(struct table *t, const char *headings);

/* Adds a cell: a copy of the text in its visible form. */
void table_add_cell(struct table *t, const char *text);
/* Adds a cell from a text that is put together already, with colours or not, and frees that. */
void table_add_text(struct table *t, struct hak_text *text);
/* Adds lines below the row that was added last, as they are; frees them. */
void table_add_below(struct table *t, struct hak_text *lines);
/* The same for a number with separators; nothing for 0. */
void table_add_count(struct table *t, uint64_t value);
/* Characters of a cell, which is in its visible form already. */
int table_width(const char *cell);
/* Appends words of `from`, each behind a blank or a line's end, in lines of `width` characters (0 =
 * as they are) that begin at `column`, the first of them where the line stands; later ones two
 * further to the right. No word is broken: one that is too long has a line of its own. */
void table_add_words(struct hak_text *text, const char *from, int column, int width);
/* Appends the table to `text` and frees it: headings in bold, and rows folded where they are wider
 * than it may be. */
void table_append(struct hak_text *text, struct table *t, const struct view *view);

#endif

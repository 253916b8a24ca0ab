/* The meaning of the tables and views of a store, read from the comments of its own statements
 * (src/store/schema_sql.c): for docs/specs/schema.md and hakmem-store(5). One thread. */
#ifndef HAK_TOOLS_SCHEMA_SCHEMA_H
#define HAK_TOOLS_SCHEMA_SCHEMA_H

#include <stddef.h>

enum schema_kind { SCHEMA_CHAPTER, SCHEMA_TABLE, SCHEMA_VIEW, SCHEMA_INDEX, SCHEMA_COLUMN };

/* A line of the page. */
struct schema_item {
    enum schema_kind kind;
    char name[128];      /* of a chapter its heading, of an index "NAME on TABLE(COLUMNS)" */
    char type[64];       /* of a table's column: INTEGER, ... */
    char sentence[1024]; /* "" of a chapter only */
};

/* Calls `put` for each in the order of the text: a table or view, then its columns. Ends the
 * process with a message where a table, view, index or column has no sentence, or where SQLite has
 * other columns than the lines say. */
void schema_read(void (*put)(void *context, const struct schema_item *item), void *context);

/* The same of other statements in that form, of the source `file`: SQLite is not asked. Indexes
 * that are dropped again are not there. */
void schema_read_other(const char *sql, const char *file,
                       void (*put)(void *context, const struct schema_item *item), void *context);

/* The page NAME.md that a sentence names, from `from` on: its start, with its length and that of
 * the name without ".md"; NULL = none. */
const char *schema_find_page(const char *from, size_t *length);

#endif

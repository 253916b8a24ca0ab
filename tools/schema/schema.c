/* Reads the statements of a store line by line, and asks SQLite whether that was all. */
#include "tools/schema/schema.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/schema.h"

enum { LINE_BYTES = 256, ITEMS_MAX = 1024 };

static const char *source = "src/store/schema_sql.c";

static void fail(const char *form, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *form, ...) {
    va_list values;
    va_start(values, form);
    fprintf(stderr, "%s: ", source);
    vfprintf(stderr, form, values);
    fputs("\n", stderr);
    va_end(values);
    exit(1);
}

struct reading {
    struct schema_item item[ITEMS_MAX];
    int items;
    bool is_in_columns; /* between "CREATE TABLE x(" and ")" */
};

static struct schema_item *add(struct reading *r, enum schema_kind kind) {
    if (r->items == ITEMS_MAX)
        fail("more than %d lines", ITEMS_MAX);
    struct schema_item *item = &r->item[r->items++];
    *item = (struct schema_item){.kind = kind};
    return item;
}

/* Appends to a text of `room` bytes. */
static void append(char *text, size_t room, const char *more, size_t length) {
    size_t used = strlen(text);
    if (used + length >= room)
        fail("too long: %s%.*s", text, (int)length, more);
    memcpy(text + used, more, length);
    text[used + length] = '\0';
}

/* The words up to one of `stops`, without quotes, into `text`. */
static const char *take_word(const char *at, const char *stops, char *text, size_t room) {
    at += strspn(at, " \"");
    size_t length = strcspn(at, stops);
    append(text, room, at, length);
    return at + length + strspn(at + length, "\"");
}

/* "DROP INDEX hakmem.NAME;": what an earlier statement made is there no longer. */
static bool read_drop(struct reading *r, const char *line) {
    static const char drop[] = "DROP INDEX hakmem.";
    char name[128] = "";
    int i = 0;
    if (strncmp(line, drop, sizeof drop - 1) != 0)
        return false;
    take_word(line + sizeof drop - 1, ";", name, sizeof name - 4);
    append(name, sizeof name, " ON ", 4);
    while (i < r->items &&
           (r->item[i].kind != SCHEMA_INDEX || strncmp(r->item[i].name, name, strlen(name)) != 0))
        i++;
    if (i == r->items)
        fail("no index of that name was made before: %s", line);
    memmove(&r->item[i], &r->item[i + 1], (size_t)(--r->items - i) * sizeof *r->item);
    return true;
}

static void read_head(struct reading *r, const char *line, const char *sentence) {
    bool is_index = strncmp(line, "CREATE INDEX ", 13) == 0;
    bool is_table = strncmp(line, "CREATE TABLE ", 13) == 0;
    if (!is_index && !is_table && strncmp(line, "CREATE VIEW ", 12) != 0)
        fail("no line of a table, view, index or chapter: %s", line);
    struct schema_item *item = add(r, is_index   ? SCHEMA_INDEX
                                      : is_table ? SCHEMA_TABLE
                                                 : SCHEMA_VIEW);
    const char *at = line + (is_table || is_index ? 13 : 12);
    take_word(at, is_index ? ";" : "(", item->name, sizeof item->name);
    append(item->sentence, sizeof item->sentence, sentence, strlen(sentence));
    r->is_in_columns = !is_index;
}

/* Up to the type's last word, which may be a constraint of the column. */
static void read_column(struct reading *r, const char *line, const char *sentence) {
    struct schema_item *item = add(r, SCHEMA_COLUMN);
    const char *at = take_word(line, " ,\"", item->name, sizeof item->name);
    at += strspn(at, " ");
    append(item->type, sizeof item->type, at, strcspn(at, ",\n"));
    for (size_t end = strlen(item->type); end && item->type[end - 1] == ' ';)
        item->type[--end] = '\0';
    append(item->sentence, sizeof item->sentence, sentence, strlen(sentence));
}

static void read_line(struct reading *r, char *line) {
    static const char chapter[] = "-- == ";
    char *comment = strstr(line, "-- ");
    const char *sentence = comment ? comment + 3 : "";
    bool is_comment = comment && strspn(line, " ") == (size_t)(comment - line);
    if (strncmp(line, chapter, sizeof chapter - 1) == 0) {
        struct schema_item *item = add(r, SCHEMA_CHAPTER);
        append(item->name, sizeof item->name, line + sizeof chapter - 1,
               strlen(line + sizeof chapter - 1));
        return;
    }
    if (is_comment && r->items) {
        struct schema_item *last = &r->item[r->items - 1];
        append(last->sentence, sizeof last->sentence, last->sentence[0] ? " " : "",
               last->sentence[0] ? 1 : 0);
        append(last->sentence, sizeof last->sentence, sentence, strlen(sentence));
        return;
    }
    if (comment)
        *comment = '\0';
    if (line[0] == ')')
        r->is_in_columns = false;
    else if (read_drop(r, line))
        r->is_in_columns = false;
    else if (isupper((unsigned char)line[0]))
        read_head(r, line, sentence);
    else if (r->is_in_columns && strncmp(line + strspn(line, " "), "PRIMARY KEY(", 12) != 0)
        read_column(r, line, sentence);
}

static void check_sentences(const struct reading *r) {
    const char *table = "";
    for (int i = 0; i < r->items; i++) {
        const struct schema_item *item = &r->item[i];
        if (item->kind == SCHEMA_TABLE || item->kind == SCHEMA_VIEW)
            table = item->name;
        if (item->kind != SCHEMA_CHAPTER && !item->sentence[0])
            fail("%s%s%s has no sentence", item->kind == SCHEMA_COLUMN ? table : "",
                 item->kind == SCHEMA_COLUMN ? "." : "", item->name);
    }
}

/* Compares the columns with those that SQLite has, and the tables with all. */
static void check_columns(const struct reading *r) {
    static const char asks[] =
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
        " WHERE m.name <> 'node' ORDER BY m.rowid, c.cid";
    sqlite3 *database = NULL;
    sqlite3_stmt *query = NULL;
    const char *table = "";
    int next = 0;
    /* node is a table of hakmem's own connections */
    if (sqlite3_open(":memory:", &database) != SQLITE_OK ||
        sqlite3_exec(database, "CREATE TABLE node(id, parent, process, generation, ip)", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(database, hak_store_schema_sql, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, asks, -1, &query, NULL) != SQLITE_OK)
        fail("%s", sqlite3_errmsg(database));
    while (sqlite3_step(query) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(query, 1);
        for (; next < r->items && r->item[next].kind != SCHEMA_COLUMN; next++)
            if (r->item[next].kind != SCHEMA_INDEX)
                table = r->item[next].name;
        if (next == r->items || strcmp(r->item[next].name, name) != 0 ||
            strcmp(table, (const char *)sqlite3_column_text(query, 0)) != 0)
            fail("%s.%s has no line of its own", sqlite3_column_text(query, 0), name);
        next++;
    }
    for (; next < r->items; next++)
        if (r->item[next].kind == SCHEMA_COLUMN)
            fail("%s is no column", r->item[next].name);
    sqlite3_finalize(query);
    sqlite3_close(database);
}

static struct reading *read_lines(const char *sql) {
    static struct reading r;
    r.items = 0;
    for (const char *at = sql; *at;) {
        char line[LINE_BYTES];
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        read_line(&r, line);
        at += length + (at[length] == '\n');
    }
    check_sentences(&r);
    return &r;
}

void schema_read(void (*put)(void *context, const struct schema_item *item), void *context) {
    const struct reading *r = read_lines(hak_store_schema_sql);
    check_columns(r);
    for (int i = 0; i < r->items; i++)
        put(context, &r->item[i]);
}

void schema_read_other(const char *sql, const char *file,
                       void (*put)(void *context, const struct schema_item *item), void *context) {
    source = file;
    const struct reading *r = read_lines(sql);
    for (int i = 0; i < r->items; i++)
        put(context, &r->item[i]);
}

const char *schema_find_page(const char *from, size_t *length) {
    const char *end = strstr(from, ".md"), *start = end;
    if (!end)
        return NULL;
    while (start > from && (isalnum((unsigned char)start[-1]) || strchr("-/", start[-1])))
        start--;
    *length = (size_t)(end - start);
    return start;
}

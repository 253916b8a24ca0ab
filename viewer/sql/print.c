/* Prints the rows of a query: a table on a terminal, tab-separated values or JSON otherwise. */
#include "viewer/sql/print.h"

#include <jansson.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

#define COLUMNS_MAX 128
#define ROWS_SIZED  200 /* rows looked at for the width of a column */
#define WIDTH_MAX   60

static int results; /* of this JSON document so far */

/* Adds a blob's first 32 bytes in hexadecimal and, if there are more, their number. */
static void add_blob(struct hak_text *text, sqlite3_stmt *query, int i) {
    const unsigned char *bytes = sqlite3_column_blob(query, i);
    int count = sqlite3_column_bytes(query, i);
    hak_text_add(text, "x'");
    for (int k = 0; k < count && k < 32; k++)
        hak_text_add(text, "%02x", bytes[k]);
    hak_text_add(text, count > 32 ? "...' (%d bytes)" : "'", count);
}

/* A cell of a table: text in its visible form and no longer than a name, NULL as nothing. */
static char *cell_of(sqlite3_stmt *query, int i) {
    struct hak_text text = {0};
    if (sqlite3_column_type(query, i) == SQLITE_BLOB)
        add_blob(&text, query, i);
    else
        hak_text_add_name(&text, (const char *)sqlite3_column_text(query, i));
    char *cell = hak_text_take(&text);
    return cell ? cell : strdup("");
}

/* Adds a field of a row: a text or a number whole, so that a program gets the store's value back; a
 * blob as a table shows it. */
static void add_field(struct hak_text *text, sqlite3_stmt *query, int i) {
    const char *value;
    if (sqlite3_column_type(query, i) == SQLITE_BLOB)
        add_blob(text, query, i);
    else if ((value = (const char *)sqlite3_column_text(query, i)) != NULL)
        hak_text_add_field(text, value, (size_t)sqlite3_column_bytes(query, i));
}

static bool is_number(const char *cell) {
    return cell[0] && strspn(cell, "0123456789.-+e") == strlen(cell);
}

/* Prints a row of cells; numbers stand at the right of their column. */
static void print_row(char *const *cell, int columns, const int *width, bool is_heading) {
    struct hak_text text = {0};
    int from = 0;
    for (int i = 0; i < columns; i++) {
        if (!is_heading && is_number(cell[i]))
            hak_text_fill(&text, ' ', width[i] - table_width(cell[i]));
        hak_text_add_bytes(&text, cell[i], strlen(cell[i]));
        from += width[i] + 2;
        if (i + 1 < columns)
            hak_text_tab(&text, from);
    }
    hak_text_add(&text, "\n");
    view_print(&text);
}

struct sql_rows {
    char **cell; /* rows of `columns` cells */
    int columns, rows;
    int width[COLUMNS_MAX];
};

/* Prints and frees the rows that were kept to find the columns' widths. */
static void flush_table(struct sql_rows *table) {
    for (int row = 0; row < table->rows; row++)
        print_row(&table->cell[row * table->columns], table->columns, table->width, false);
    for (int i = 0; i < table->rows * table->columns; i++)
        free(table->cell[i]);
    table->rows = 0;
}

/* Finds the columns' widths from the headings and the rows so far, and prints the headings. */
static void begin_table(const struct view *view, struct sql_rows *table, sqlite3_stmt *query) {
    char *heading[COLUMNS_MAX] = {0};
    for (int i = 0; i < table->columns; i++) {
        struct hak_text name = {0};
        hak_text_add_name(&name, sqlite3_column_name(query, i));
        heading[i] = hak_text_take(&name);
        heading[i] = heading[i] ? heading[i] : strdup("");
        table->width[i] = table_width(heading[i]);
        for (int row = 0; row < table->rows; row++) {
            int width = table_width(table->cell[row * table->columns + i]);
            if (width > table->width[i])
                table->width[i] = width > WIDTH_MAX ? WIDTH_MAX : width;
        }
    }
    view_write(stdout, "%s", view_style(view, VIEW_BOLD));
    print_row(heading, table->columns, table->width, true);
    view_write(stdout, "%s", view_style(view, VIEW_PLAIN));
    for (int i = 0; i < table->columns; i++)
        free(heading[i]);
}

/* Prints the rows as an aligned table. The first rows decide the widths; the rest is printed as it
 * comes, so that memory stays small. -1 is an error of SQLite. */
static int print_aligned(struct view *view, sqlite3_stmt *query) {
    struct sql_rows table = {.columns = sqlite3_column_count(query)};
    int step;
    if (table.columns > COLUMNS_MAX)
        table.columns = COLUMNS_MAX;
    table.cell = calloc((size_t)table.columns * ROWS_SIZED + 1, sizeof *table.cell);
    if (!table.cell)
        return -1;
    bool begun = false;
    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        for (int i = 0; i < table.columns; i++)
            table.cell[table.rows * table.columns + i] = cell_of(query, i);
        table.rows++;
        if (!begun && table.rows < ROWS_SIZED)
            continue;
        if (!begun)
            begin_table(view, &table, query);
        begun = true;
        flush_table(&table);
    }
    if (!begun && table.columns > 0 && (step == SQLITE_DONE || table.rows > 0))
        begin_table(view, &table, query);
    flush_table(&table);
    free(table.cell);
    return step == SQLITE_DONE ? 0 : -1;
}

/* Prints the rows with tabs between their fields, with --header below the columns' names. Ends when
 * stdout is gone; -1 is an error of SQLite. */
static int print_tabbed(struct view *view, sqlite3_stmt *query) {
    int columns = sqlite3_column_count(query), step;
    for (int i = 0; i < columns && view_given(view, "header"); i++) {
        const char *name = sqlite3_column_name(query, i);
        struct hak_text text = {0};
        hak_text_add_field(&text, name, strlen(name));
        hak_text_add(&text, "%c", i + 1 < columns ? '\t' : '\n');
        view_print(&text);
    }
    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        struct hak_text text = {0};
        for (int i = 0; i < columns; i++) {
            add_field(&text, query, i);
            hak_text_add(&text, "%c", i + 1 < columns ? '\t' : '\n');
        }
        view_print(&text);
        if (ferror(stdout))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : -1;
}

/* A column's value as JSON; a blob is a text, infinity null. */
static json_t *value_json(sqlite3_stmt *query, int i) {
    switch (sqlite3_column_type(query, i)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(query, i));
    case SQLITE_FLOAT:
        return isfinite(sqlite3_column_double(query, i))
                   ? json_real(sqlite3_column_double(query, i))
                   : json_null(); /* JSON has no infinity */
    case SQLITE_NULL:
        return json_null();
    case SQLITE_TEXT:
        return hak_json_whole((const char *)sqlite3_column_text(query, i),
                              (size_t)sqlite3_column_bytes(query, i));
    default: {
        struct hak_text text = {0};
        add_blob(&text, query, i);
        json_t *value = hak_json_text(hak_text_string(&text));
        hak_text_free(&text);
        return value;
    }
    }
}

/* Prints one statement's rows as an element of the document; -1 is an error of SQLite. */
static int print_json(sqlite3_stmt *query) {
    int columns = sqlite3_column_count(query), rows = 0, step;
    json_t *names = json_array();
    for (int i = 0; i < columns; i++)
        hak_json_append(names, hak_json_text(sqlite3_column_name(query, i)));
    view_write(stdout, "%s\n    {\"columns\": ", results++ > 0 ? "," : "");
    view_write_json(names);
    view_write(stdout, ", \"rows\": [");
    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        json_t *row = json_array();
        for (int i = 0; i < columns; i++)
            hak_json_append(row, value_json(query, i));
        view_write(stdout, "%s\n      ", rows++ > 0 ? "," : "");
        view_write_json(row);
    }
    view_write(stdout, "]}");
    return step == SQLITE_DONE ? 0 : -1;
}

void sql_json_begin(struct view *view) {
    view_write_document(view);
    view_write(stdout, "  \"results\": [");
}

void sql_json_end(struct view *view) {
    view_write(stdout, "\n  ],\n");
    view_write_member("completeness", view_completeness_json(view), true);
    view_write(stdout, "}\n");
}

int sql_print(struct view *view, sqlite3_stmt *query) {
    if (view->json)
        return print_json(query);
    return view->terminal ? print_aligned(view, query) : print_tabbed(view, query);
}

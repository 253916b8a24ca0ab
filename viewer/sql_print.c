/* Prints the rows of a query: a table on a terminal, tab-separated values or JSON otherwise. */
#include "sql_print.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "report/facts_json.h"
#include "report/words.h"
#include "json.h"

#define COLUMNS_MAX 128
#define ROWS_SIZED  200 /* rows looked at for the width of a column */
#define WIDTH_MAX   60

static int results; /* of this JSON document so far */

/* A value for people: blobs as x'..', text made harmless, NULL as nothing. */
static void add_value(struct hak_text *text, sqlite3_stmt *query, int i) {
    if (sqlite3_column_type(query, i) == SQLITE_BLOB) {
        const unsigned char *bytes = sqlite3_column_blob(query, i);
        int count = sqlite3_column_bytes(query, i);
        hak_text_add(text, "x'");
        for (int k = 0; k < count && k < 32; k++)
            hak_text_add(text, "%02x", bytes[k]);
        hak_text_add(text, count > 32 ? "...' (%d bytes)" : "'", count);
        return;
    }
    const unsigned char *value = sqlite3_column_text(query, i);
    if (value)
        hak_text_add_name(text, (const char *)value);
}

static bool is_number(const char *cell) {
    return cell[0] && strspn(cell, "0123456789.-+e") == strlen(cell);
}

static int width_of(const char *cell) {
    struct hak_text text = {0};
    hak_text_add(&text, "%s", cell);
    int width = hak_text_column(&text);
    hak_text_free(&text);
    return width;
}

/* A row of cells; numbers stand at the right of their column. */
static void print_row(char *const *cell, int columns, const int *width, bool is_heading) {
    struct hak_text text = {0};
    int from = 0;
    for (int i = 0; i < columns; i++) {
        if (!is_heading && is_number(cell[i]))
            hak_text_fill(&text, ' ', width[i] - width_of(cell[i]));
        hak_text_add(&text, "%s", cell[i]);
        from += width[i] + 2;
        if (i + 1 < columns)
            hak_text_tab(&text, from);
    }
    hak_text_add(&text, "\n");
    view_print(&text);
}

static char *cell_of(sqlite3_stmt *query, int i) {
    struct hak_text text = {0};
    add_value(&text, query, i);
    char *cell = hak_text_take(&text);
    return cell ? cell : strdup("");
}

struct table {
    char **cell; /* rows of `columns` cells */
    int columns, rows;
    int width[COLUMNS_MAX];
};

static void flush_table(struct table *table) {
    for (int row = 0; row < table->rows; row++)
        print_row(&table->cell[row * table->columns], table->columns, table->width, false);
    for (int i = 0; i < table->rows * table->columns; i++)
        free(table->cell[i]);
    table->rows = 0;
}

static void begin_table(const struct view *view, struct table *table, sqlite3_stmt *query) {
    char *heading[COLUMNS_MAX];
    for (int i = 0; i < table->columns; i++) {
        heading[i] = (char *)sqlite3_column_name(query, i);
        table->width[i] = width_of(heading[i]);
        for (int row = 0; row < table->rows; row++) {
            int width = width_of(table->cell[row * table->columns + i]);
            if (width > table->width[i])
                table->width[i] = width > WIDTH_MAX ? WIDTH_MAX : width;
        }
    }
    printf("%s", view_style(view, VIEW_BOLD));
    print_row(heading, table->columns, table->width, true);
    printf("%s", view_style(view, VIEW_PLAIN));
}

/* The first rows decide the widths; the rest is printed as it comes, so that memory stays small. */
static int print_aligned(struct view *view, sqlite3_stmt *query) {
    struct table table = {.columns = sqlite3_column_count(query)};
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

static int print_tabbed(struct view *view, sqlite3_stmt *query) {
    int columns = sqlite3_column_count(query), step;
    if (view_given(view, "header"))
        for (int i = 0; i < columns; i++)
            printf("%s%c", sqlite3_column_name(query, i), i + 1 < columns ? '\t' : '\n');
    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        struct hak_text text = {0};
        for (int i = 0; i < columns; i++) {
            add_value(&text, query, i);
            hak_text_add(&text, "%c", i + 1 < columns ? '\t' : '\n');
        }
        view_print(&text);
        if (ferror(stdout))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : -1;
}

static json_t *value_json(sqlite3_stmt *query, int i) {
    switch (sqlite3_column_type(query, i)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(query, i));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(query, i));
    case SQLITE_NULL:
        return json_null();
    default: {
        struct hak_text text = {0};
        add_value(&text, query, i);
        json_t *value = json_string(text.bytes ? text.bytes : "");
        hak_text_free(&text);
        return value;
    }
    }
}

static void print_json_value(json_t *value) {
    char *text = json_dumps(value, HAK_JSON_FLAGS | JSON_COMPACT | JSON_ENCODE_ANY);
    printf("%s", text ? text : "null");
    free(text);
    json_decref(value);
}

static int print_json(sqlite3_stmt *query) {
    int columns = sqlite3_column_count(query), rows = 0, step;
    json_t *names = json_array();
    for (int i = 0; i < columns; i++)
        json_array_append_new(names, hak_json_text(sqlite3_column_name(query, i)));
    printf("%s\n    {\"columns\": ", results++ > 0 ? "," : "");
    print_json_value(names);
    printf(", \"rows\": [");
    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        json_t *row = json_array();
        for (int i = 0; i < columns; i++)
            json_array_append_new(row, value_json(query, i));
        printf("%s\n      ", rows++ > 0 ? "," : "");
        print_json_value(row);
    }
    printf("]}");
    return step == SQLITE_DONE ? 0 : -1;
}

void sql_json_begin(struct view *view) {
    printf("{\n  \"hakmem_json\": 1,\n  \"command\": \"sql\",\n  \"store\": ");
    print_json_value(hak_json_text(view->store_path));
    printf(",\n  \"results\": [");
}

void sql_json_end(struct view *view) {
    printf("\n  ],\n  \"completeness\": ");
    print_json_value(view_completeness_json(view));
    printf("\n}\n");
}

int sql_print(struct view *view, sqlite3_stmt *query) {
    if (view->json)
        return print_json(query);
    return view->terminal ? print_aligned(view, query) : print_tabbed(view, query);
}

/* The page of the capture, from docs/specs/store.md, the statements of its tables and the table of
 * records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "tools/man/pages.h"
#include "tools/man/roff.h"
#include "tools/schema/schema.h"

/* The next cell of a row of Markdown ("| a | b |"): its start and length, and where the row goes
 * on. NULL past the last. */
static const char *next_cell(const char **row, size_t *length) {
    const char *start = *row + strspn(*row, "| "), *end = start;
    while (*end && !(*end == '|' && end[-1] != '\\'))
        end++;
    if (*end != '|')
        return NULL;
    *row = end;
    while (end > start && end[-1] == ' ')
        end--;
    *length = (size_t)(end - start);
    return start;
}

/* The rows of a section's table as a list. */
static void put_table(FILE *page, const char *source, const char *heading) {
    char path[4096], line[8192];
    bool is_inside = false;
    snprintf(path, sizeof path, "%s/docs/specs/store.md", source);
    FILE *text = fopen(path, "r");
    if (!text) {
        fprintf(stderr, "write_man: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    fputs(".Bl -tag -width Ds\n", page);
    for (int row = 0; fgets(line, sizeof line, text);) {
        const char *at = line;
        size_t name_length = 0, length = 0;
        if (line[0] == '#') {
            line[strcspn(line, "\n")] = '\0';
            is_inside = strcmp(line, heading) == 0;
        }
        if (!is_inside || line[0] != '|' || row++ < 2) /* above the rows: the head and its line */
            continue;
        const char *name = next_cell(&at, &name_length), *meaning = next_cell(&at, &length);
        fputs(".It Xo\n", page);
        roff_markdown(page, name ? name : "", name_length);
        fputs(".Xc\n", page);
        roff_markdown(page, meaning ? meaning : "", length);
    }
    fputs(".El\n", page);
    fclose(text);
}

struct tables {
    FILE *page;
    bool is_in_list, has_heading; /* the heading is just above */
};

/* A list for each table or view, its name and sentence before it. */
static void put_schema_item(void *context, const struct schema_item *item) {
    struct tables *t = context;
    bool is_column = item->kind == SCHEMA_COLUMN;
    if (t->is_in_list && !is_column && item->kind != SCHEMA_INDEX) {
        fputs(".El\n", t->page);
        t->is_in_list = false;
    }
    if (item->kind == SCHEMA_CHAPTER) {
        fprintf(t->page, ".Ss %s\n", item->name);
        t->has_heading = true;
        return;
    }
    if (!is_column && item->kind != SCHEMA_INDEX) {
        fprintf(t->page, "%s%s\n.Sy %s :\n", t->has_heading ? "" : ".Pp\n",
                item->kind == SCHEMA_VIEW ? "View" : "Table", item->name);
        t->has_heading = false;
        roff_text(t->page, item->sentence);
        fputs(".Bl -tag -width Ds -compact\n", t->page);
        t->is_in_list = true;
        return;
    }
    fprintf(t->page, ".It %s", is_column ? "" : "index ");
    roff_words(t->page, item->name);
    fputs("\n", t->page);
    roff_text(t->page, item->sentence);
}

static void put_schema(FILE *page) {
    struct tables tables = {.page = page};
    schema_read(put_schema_item, &tables);
    if (tables.is_in_list)
        fputs(".El\n", page);
}

static void put_records(FILE *page) {
    fputs(".Ss Records\n", page);
    roff_text(page, "Kinds of events, by their numbers. Those of moves say between which places a "
                    "block went.");
    fputs(".Bl -tag -width Ds\n", page);
#define HOP(name, number, from, to, sentence)                                                      \
    fprintf(page, ".It %d %s (move)\n", number, #name);                                            \
    roff_text(page, sentence);
#define NOTE(name, number, sentence)                                                               \
    fprintf(page, ".It %d %s\n", number, #name);                                                   \
    roff_text(page, sentence);
#include "hops.def"
    fputs(".El\n", page);
}

void man_write_store(const char *folder, const char *source) {
    static const char examples[] =
        "  sqlite3 app.db \"select id, code, name, summary from fault_line\"\n"
        "  sqlite3 app.db \".schema leak\"\n"
        "  sqlite3 app.db \"select id, pid, lost, command_line from process\"\n"
        "  hakmem-trace sql -s app.db \"select kind, count(*) from event group by kind\"\n"
        "  hakmem-trace sql -s app.db \"select base, size, stack from live limit 10\"\n";
    FILE *page = roff_open(folder, "hakmem-store", 5, "the capture of a recorded program");
    fputs(".Sh DESCRIPTION\n", page);
    roff_text(page, "One SQLite file for a tree of processes. `sqlite3` reads its plain tables and "
                    "most views. Events and stacks are coded: read them with `hakmem-trace sql`, "
                    "which has them as the tables event, block, life, live, profile and node. "
                    "`hakmem-trace export sqlite` makes ordinary tables of everything but events. "
                    "Numbers are signed 64-bit integers; addresses and masks with bit 63 set read "
                    "as negative. Times `ns` count from the capture's start.");
    put_table(page, source, "## The file");
    put_schema(page);
    put_records(page);
    fputs(".Sh EXAMPLES\n", page);
    roff_literal(page, examples, sizeof examples - 1);
    fputs(".Sh SEE ALSO\n.Xr hakmem-trace 1 ,\n.Xr hakmem-trace-sql 1 ,\n.Xr sqlite3 1 ,\n"
          ".Xr hakmem 7\n",
          page);
    roff_close(page);
}

/* Reads the lines of `sql` that begin with a dot: .tables and .schema are queries of the view
 * table_column. */
#include "viewer/sql/dot.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/capture/capture.h"

static const struct {
    const char *name, *argument;
    enum sql_dot meaning;
    const char *sentence;
} dots[] = {
    {".tables", "", SQL_DOT_QUERY,
     "every table and view: log (made while it is read), table, view"},
    {".schema", "TABLE", SQL_DOT_QUERY, "the columns of TABLE; without it those of all"},
    {".help", "", SQL_DOT_HELP, "this"},
    {".quit", "", SQL_DOT_QUIT, "leave, as Ctrl-D and .exit"},
    {".exit", "", SQL_DOT_QUIT, NULL},
};
#define DOTS (sizeof dots / sizeof dots[0])

void sql_dot_add_help(struct hak_text *text) {
    for (size_t i = 0; i < DOTS; i++) {
        if (!dots[i].sentence)
            continue;
        hak_text_add(text, "%s %s", dots[i].name, dots[i].argument);
        hak_text_add_at(text, 16, "%s\n", dots[i].sentence);
    }
    hak_text_add(text,
                 "A query ends with ; and may take several lines. docs/specs/store.md says what "
                 "the columns mean.\n"
                 "  select kind, count(*) from event group by kind;\n"
                 "  select * from event where addr = 0x5581a8c31040;\n"
                 "  select function, sum(size) from event where kind = 'MALLOC' group by 1 "
                 "order by 2 desc limit 10;\n");
}

/* Whether there is such a table, in any case of letters; else the error is printed with the nearest
 * name. True, too, if that cannot be asked. */
static bool has_table(sqlite3 *database, const char *name) {
    sqlite3_stmt *query = NULL;
    struct nearest nearest = {.typed = name};
    bool found = false;
    char *kept[2] = {NULL, NULL};
    if (sqlite3_prepare_v2(database, "SELECT DISTINCT table_name FROM table_column", -1, &query,
                           NULL) != SQLITE_OK)
        return true; /* the query itself says what is wrong */
    while (!found && sqlite3_step(query) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(query, 0);
        found = table && sqlite3_stricmp(table, name) == 0;
        if (!table || found || !(kept[0] = strdup(table)))
            continue;
        nearest_offer(&nearest, kept[0]);
        if (nearest.best == kept[0]) {
            free(kept[1]);
            kept[1] = kept[0];
        } else {
            free(kept[0]);
        }
    }
    sqlite3_finalize(query);
    if (!found) {
        struct hak_text text = {0};
        hak_text_add(&text, "no such table: %s", name);
        hak_text_add_name(&text, nearest_words(&nearest, ""));
        view_fail(text.bytes ? text.bytes : name);
        hak_text_free(&text);
    }
    free(kept[1]);
    return found;
}

/* The SQL of .tables, or of .schema for one table or all, to be freed. */
static char *make_query(const char *name, const char *argument) {
    if (strcmp(name, ".tables") == 0)
        return strdup("SELECT table_name AS \"table\", kind, count(*) AS columns FROM table_column"
                      " GROUP BY table_name ORDER BY kind, table_name;");
    struct hak_text where = {0};
    char *quoted = argument[0] ? sqlite3_mprintf("%Q", argument) : NULL;
    hak_text_add(&where,
                 "SELECT table_name AS \"table\", column_name AS \"column\", type,"
                 " CASE WHEN is_hidden THEN 'hidden: may be asked for by name' END AS note"
                 " FROM table_column%s%s%s ORDER BY kind, table_name, position;",
                 quoted ? " WHERE table_name = " : "", quoted ? quoted : "",
                 quoted ? " COLLATE NOCASE" : "");
    sqlite3_free(quoted);
    return hak_text_take(&where);
}

enum sql_dot sql_dot_read(sqlite3 *database, const char *line, char **query) {
    char name[32], argument[256], more[2];
    int words;
    *query = NULL;
    line += strspn(line, " \t\n");
    if (line[0] != '.' || (words = sscanf(line, "%31s %255s %1s", name, argument, more)) < 1)
        return SQL_DOT_NONE;
    argument[words >= 2 ? strcspn(argument, ";") : 0] = '\0';
    name[strcspn(name, ";")] = '\0';
    struct nearest nearest = {.typed = name};
    for (size_t i = 0; i < DOTS; i++) {
        nearest_offer(&nearest, dots[i].name);
        if (strcmp(name, dots[i].name) != 0)
            continue;
        if (words > 2 || (argument[0] && !dots[i].argument[0])) {
            view_error("%s takes %s", name, dots[i].argument[0] ? dots[i].argument : "nothing");
            return SQL_DOT_WRONG;
        }
        if (argument[0] && !has_table(database, argument))
            return SQL_DOT_WRONG;
        if (dots[i].meaning == SQL_DOT_QUERY && !(*query = make_query(name, argument))) {
            view_error("out of memory");
            return SQL_DOT_WRONG;
        }
        return dots[i].meaning;
    }
    view_error("%s: no such command%s", name,
               nearest.best ? nearest_words(&nearest, "") : "; .help lists those that are known");
    return SQL_DOT_WRONG;
}

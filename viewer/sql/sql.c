/* `sql`: queries over the capture with the log as tables; one query, a file of them, or a shell. */
#include "viewer/sql/sql.h"
#include "viewer/capture/capture.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/words/words.h"
#include "viewer/sql/line.h"
#include "viewer/sql/dot.h"
#include "viewer/sql/print.h"
#include "store/sql/sql.h"

static bool reads_log; /* a query asked for one of the tables that are made of events */

/* Notes, while SQLite prepares a statement, whether it reads a table that is made from the events.
 */
static int note_table(void *context, int action, const char *table, const char *column,
                      const char *schema, const char *view) {
    static const char *const of_events[] = {"event", "life", "block", "live", "profile"};
    (void)context;
    (void)column;
    (void)schema;
    (void)view;
    for (size_t i = 0; action == SQLITE_READ && i < sizeof of_events / sizeof *of_events; i++)
        reads_log |= table && sqlite3_stricmp(table, of_events[i]) == 0;
    return SQLITE_OK;
}

/* The offset in its text at which the last statement is wrong; -1: not known, as with any SQLite
 * before 3.38. */
static int error_offset(sqlite3 *database) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_error_offset(database);
#else
    (void)database;
    return -1;
#endif
}

/* Prints SQLite's message and the line with a mark below the error; returns the command's status.
 */
static int say_error(sqlite3 *database, const char *sql) {
    int offset = error_offset(database), code = sqlite3_errcode(database) & 0xff;
    view_fail(sqlite3_errmsg(database));
    if (offset >= 0 && (size_t)offset <= strlen(sql)) {
        const char *line = sql + offset;
        while (line > sql && line[-1] != '\n')
            line--;
        struct hak_text before = {0};
        hak_text_add(&before, "  %.*s", (int)(sql + offset - line), line);
        view_write(stderr, "  %.*s\n%*s^ here\n", (int)strcspn(line, "\n"), line,
                   hak_text_column(&before), "");
        hak_text_free(&before);
    }
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_IOERR ? VIEW_UNREADABLE
                                                                                   : VIEW_USAGE;
}

/* Runs every statement of `sql` until one fails; results of the later ones follow those of the
 * first. Returns the exit status; errors are printed. */
static int run_statements(struct view *view, sqlite3 *database, const char *sql) {
    const char *all = sql;
    while (*sql) {
        sqlite3_stmt *query = NULL;
        const char *rest;
        if (sqlite3_prepare_v2(database, sql, -1, &query, &rest) != SQLITE_OK)
            return say_error(database, sql);
        sql = rest;
        if (!query)
            continue; /* blanks or a comment */
        int result = sql_print(view, query);
        bool failed = sqlite3_finalize(query) != SQLITE_OK || result < 0;
        if (failed && view_is_interrupted())
            return VIEW_INTERRUPTED;
        if (failed)
            return say_error(database, all);
        if (ferror(stdout))
            break;
    }
    return VIEW_OK;
}

/* The whole text of a file, to be freed. */
static char *read_all(FILE *from) {
    struct hak_text text = {0};
    char part[4096];
    size_t got;
    while ((got = fread(part, 1, sizeof part, from)) > 0) {
        hak_text_add_bytes(&text, part, got);
    }
    return hak_text_take(&text);
}

/* Answers a line that begins with a dot, or the statements of `sql`. Returns the exit status, -1 if
 * it asks to leave. */
static int answer(struct view *view, sqlite3 *database, const char *sql) {
    struct hak_text text = {0};
    char *query = NULL;
    int status = VIEW_OK;
    switch (sql_dot_read(database, sql, &query)) {
    case SQL_DOT_NONE:
        return run_statements(view, database, sql);
    case SQL_DOT_QUERY:
        status = run_statements(view, database, query);
        break;
    case SQL_DOT_HELP:
        if (!view->json)
            sql_dot_add_help(&text);
        view_print(&text);
        break;
    case SQL_DOT_QUIT:
        return -1;
    case SQL_DOT_WRONG:
        status = VIEW_USAGE;
        break;
    }
    free(query);
    return status;
}

static bool is_dot(const char *line) {
    return line[strspn(line, " \t\n")] == '.';
}

/* The text typed so far is a statement, or a line with a dot. */
static bool is_whole(const struct hak_text *statement) {
    return statement->bytes && (is_dot(statement->bytes) || sqlite3_complete(statement->bytes));
}

/* Reads statements line by line and answers each until the end or .quit. */
static int shell(struct view *view, sqlite3 *database) {
    struct lines *lines = lines_open(view);
    struct hak_text statement = {0};
    bool leave = !lines;
    view_write(
        stdout,
        "%s, read-only: event, life, live, block, fault, ...; .tables lists all, .schema event "
        "its columns.\nEnd a query with ; and the shell with Ctrl-D; .help says more.\n",
        view->store_path);
    while (!leave) {
        const char *line = lines_next(lines, statement.length > 0 ? "     ... " : "hakmem-> ");
        if (view_is_interrupted()) {
            clearerr(stdin);
            hak_text_free(&statement);
            view_write(stdout, "\n");
            view_forget_interrupt();
            continue;
        }
        if (!line)
            break;
        if (statement.length > 0 || line[strspn(line, " \t\n")])
            hak_text_add_bytes(&statement, line, strlen(line));
        if (!is_whole(&statement))
            continue;
        int status = answer(view, database, statement.bytes);
        leave = status == -1;
        if (status == VIEW_INTERRUPTED)
            view_error("interrupted");
        view_forget_interrupt();
        if (reads_log && view_look_again(view) == 0)
            view_say_completeness(view);
        reads_log = false;
        hak_text_free(&statement);
    }
    view_write(stdout, "\n");
    hak_text_free(&statement);
    lines_close(lines);
    return VIEW_OK;
}

/* `sql`: answers one query, standard input or a shell, and lets none of them write. */
int command_sql(struct view *view) {
    int status = view_open(view);
    if (status != 0)
        return status;
    sqlite3 *database = hak_store_database(view->reader)->connection;
    if (hak_store_add_tables(database) < 0)
        return view_store_error(view, HAK_STORE_INTERNAL);
    sqlite3_exec(database, "PRAGMA query_only = 1", NULL, NULL, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(database, note_table, NULL);
    const char *query = view->argument_count > 0 ? view->argument[0] : NULL;
    bool from_stdin = query ? strcmp(query, "-") == 0 : !isatty(STDIN_FILENO);
    if (!query && !from_stdin && !view->json)
        return shell(view, database);
    char *text = from_stdin ? read_all(stdin) : strdup(query ? query : "");
    if (!text) {
        view_error("out of memory");
        return VIEW_USAGE;
    }
    view_start_pager(view);
    if (view->json)
        sql_json_begin(view);
    status = answer(view, database, text);
    if (status == -1)
        status = VIEW_OK;
    if (status == VIEW_OK)
        status = view_look_again(view);
    if (view->json)
        sql_json_end(view);
    else if (status == VIEW_OK && reads_log)
        view_say_completeness(view);
    free(text);
    return status;
}

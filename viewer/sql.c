/* `sql`: queries over the capture with the log as tables; one query, a file of them, or a shell. */
#include "view.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/facts_json.h"
#include "report/words.h"
#include "json.h"
#include "sql_print.h"

static bool reads_log; /* a query asked for one of the tables that are made of events */

static int note_table(void *context, int action, const char *table, const char *column,
                      const char *schema, const char *view) {
    static const char *const of_events[] = {"event", "life", "block", "live"};
    (void)context, (void)column, (void)schema, (void)view;
    for (size_t i = 0; action == SQLITE_READ && i < sizeof of_events / sizeof *of_events; i++)
        reads_log |= table && sqlite3_stricmp(table, of_events[i]) == 0;
    return SQLITE_OK;
}

static int say_error(sqlite3 *database, const char *sql) {
    int offset = sqlite3_error_offset(database), code = sqlite3_errcode(database) & 0xff;
    view_fail(sqlite3_errmsg(database));
    if (offset >= 0 && (size_t)offset <= strlen(sql)) {
        const char *line = sql + offset;
        while (line > sql && line[-1] != '\n')
            line--;
        struct hak_text text = {0};
        hak_text_add(&text, "  %.*s\n", (int)strcspn(line, "\n"), line);
        hak_text_fill(&text, ' ', 2 + (int)(sql + offset - line));
        hak_text_add(&text, "^ here");
        fprintf(stderr, "%s\n", text.bytes ? text.bytes : "");
        hak_text_free(&text);
    }
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_IOERR ? VIEW_UNREADABLE
                                                                                   : VIEW_USAGE;
}

/* Runs every statement of `sql`; results of the later ones follow those of the first. */
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

static char *read_all(FILE *from) {
    struct hak_text text = {0};
    char part[4096];
    size_t got;
    while ((got = fread(part, 1, sizeof part - 1, from)) > 0) {
        part[got] = '\0';
        hak_text_add(&text, "%.*s", (int)got, part);
    }
    return hak_text_take(&text);
}

static int shell(struct view *view, sqlite3 *database) {
    struct hak_text statement = {0};
    char *line = NULL;
    size_t room = 0;
    printf("%s, read-only. Tables: event, block, life, fault, loss, process, thread, module, "
           "frame, ...\nEnd a query with ; and the shell with Ctrl-D.\n",
           view->store_path);
    for (;;) {
        printf("%s", statement.length > 0 ? "     ... " : "hakmem-> ");
        fflush(stdout);
        if (getline(&line, &room, stdin) < 0) {
            if (!view_is_interrupted())
                break;
            clearerr(stdin);
            hak_text_free(&statement);
            printf("\n");
            view_forget_interrupt();
            continue;
        }
        if (view_is_interrupted())
            hak_text_free(&statement); /* Ctrl-C came before it waited for the line */
        view_forget_interrupt();
        if (statement.length == 0 && (strcmp(line, ".quit\n") == 0 || strcmp(line, ".exit\n") == 0))
            break;
        hak_text_add(&statement, "%s", line);
        if (!statement.bytes || !sqlite3_complete(statement.bytes))
            continue;
        if (run_statements(view, database, statement.bytes) == VIEW_INTERRUPTED)
            view_error("interrupted");
        view_forget_interrupt();
        if (reads_log && view_look_again(view) == 0)
            view_say_completeness(view);
        reads_log = false;
        hak_text_free(&statement);
    }
    printf("\n");
    hak_text_free(&statement);
    free(line);
    return VIEW_OK;
}

int command_sql(struct view *view) {
    int status = view_open(view);
    if (status != 0)
        return status;
    sqlite3 *database = hak_store_database(view->reader);
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
        view_error("memory ran out");
        return VIEW_USAGE;
    }
    view_start_pager(view);
    if (view->json)
        sql_json_begin(view);
    status = run_statements(view, database, text);
    if (status == VIEW_OK)
        status = view_look_again(view);
    if (view->json)
        sql_json_end(view);
    else if (status == VIEW_OK && reads_log)
        view_say_completeness(view);
    free(text);
    return status;
}

/* `export sqlite`: writes the coded parts of a capture as ordinary tables of a database that needs
 * nothing of hakmem: the profile at its peak and at the end, what was live at the end, the frames
 * of their stacks; beside them the tables and views that are ordinary in a capture, too. */
#include "viewer/export/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/schema.h"
#include "store/sql/sql.h"

/* The tables of a capture that are copied whole, and the views that need no others. */
static const char kept[] = "'meta', 'class', 'process', 'thread', 'image', 'mapping', "
                           "'fault_code', 'fault', 'suppression',"
                           " 'leak', 'leak_scan', 'loss', 'mark', 'sample', 'name'";
static const char kept_views[] = "'module', 'metric', 'thread_name', 'fault_line', 'fault_frame'";

static const char more[] =
    "CREATE TABLE profile( -- allocated, freed and live blocks of each process and stack\n"
    "  at TEXT, -- up to when: peak or end\n"
    "  process INTEGER, -- row of process\n"
    "  stack INTEGER, -- the allocating stack: stack_frame has its frames; 0 = not known\n"
    "  live_blocks INTEGER, -- held then\n"
    "  live_bytes INTEGER, -- asked for\n"
    "  came_blocks INTEGER, -- allocated since the start\n"
    "  came_bytes INTEGER, -- asked for\n"
    "  went_blocks INTEGER, -- of those allocated here, freed\n"
    "  went_bytes INTEGER, -- asked for\n"
    "  brief_blocks INTEGER, -- freed before the next allocation of their thread\n"
    "  brief_bytes INTEGER, -- asked for\n"
    "  PRIMARY KEY(at, process, stack)\n"
    ") WITHOUT ROWID;"
    "CREATE TABLE live( -- the blocks that each process held at its end\n"
    "  base INTEGER, -- where the block begins\n"
    "  user INTEGER, -- the pointer that the program got\n"
    "  size INTEGER, -- bytes asked for\n"
    "  class TEXT, -- C3, ..., or large\n"
    "  slot INTEGER, -- bytes of its slot\n"
    "  stack INTEGER, -- who allocated it: stack_frame has its frames\n"
    "  thread INTEGER, -- row of the thread that did\n"
    "  tid INTEGER, -- of that thread\n"
    "  process INTEGER, -- row of the process that held it\n"
    "  birth INTEGER, -- id of the event\n"
    "  ns INTEGER -- its time since the capture's start\n"
    ");"
    "CREATE TABLE stack_node( -- the stacks that the other tables name\n"
    "  stack INTEGER, -- its number\n"
    "  depth INTEGER, -- 0 is the innermost\n"
    "  node INTEGER, -- row of node_frame, one for each inlined function\n"
    "  PRIMARY KEY(stack, depth)\n"
    ") WITHOUT ROWID;"
    "CREATE TABLE node_frame( -- the code of each node\n"
    "  node INTEGER, -- its number\n"
    "  level INTEGER, -- 0 is the innermost inlined function; NULL = no name is known\n"
    "  ip TEXT, -- return address\n"
    "  module TEXT, -- path of the file that the code is in\n"
    "  module_offset TEXT, -- where in it\n"
    "  function TEXT, -- empty: not known\n"
    "  file TEXT, -- empty: not known\n"
    "  line INTEGER -- 0 = not known\n"
    ");"
    "CREATE INDEX node_frame_by_node ON node_frame(node, level);"
    "CREATE VIEW stack_frame( -- every frame of every stack that the other tables name\n"
    "  stack, depth, level, ip, module, module_offset, function, file, line -- as above\n"
    ") AS SELECT w.stack, w.depth, f.level, f.ip, f.module, f.module_offset, f.function, f.file,"
    " f.line FROM stack_node w JOIN node_frame f ON f.node = w.node;"
    "CREATE VIEW plain_frame AS SELECT * FROM stack_frame; -- as a capture calls it";

struct copying {
    struct view *view;
    const struct hak_database *from;
    sqlite3 *to;
    int file;   /* that `to` is written to */
    int status; /* an exit status: the error is printed */
};

/* Says the first error of the new database and sets the status; nothing if one was said. Returns
 * false. */
static bool fail_target(struct copying *c) {
    if (c->status == 0) {
        view_error("export sqlite: %s", sqlite3_errmsg(c->to));
        c->status = VIEW_USAGE;
    }
    return false;
}

static bool run(struct copying *c, const char *sql) {
    return sqlite3_exec(c->to, sql, NULL, NULL, NULL) == SQLITE_OK || fail_target(c);
}

/* Inserts the row that a question found. False, and said. */
static bool insert(struct copying *c, sqlite3_stmt *to, const struct hak_query *from) {
    int columns = sqlite3_column_count(from->statement);
    for (int i = 0; i < columns; i++)
        sqlite3_bind_value(to, i + 1, sqlite3_column_value(from->statement, i));
    bool done = sqlite3_step(to) == SQLITE_DONE;
    return (sqlite3_reset(to) == SQLITE_OK && done) || fail_target(c);
}

/* Copies the rows of `ask` for each of `arguments` (a query of the target; NULL: once, without).
 * False, with the status set: it failed. */
static bool copy(struct copying *c, const char *ask, const char *put, const char *arguments) {
    sqlite3_stmt *to = NULL, *argument = NULL;
    if (sqlite3_prepare_v2(c->to, put, -1, &to, NULL) != SQLITE_OK ||
        (arguments && sqlite3_prepare_v2(c->to, arguments, -1, &argument, NULL) != SQLITE_OK))
        fail_target(c);
    while (c->status == 0 && (!argument || sqlite3_step(argument) == SQLITE_ROW)) {
        uint64_t number = argument ? (uint64_t)sqlite3_column_int64(argument, 0) : 0;
        struct hak_query q = argument ? hak_ask(c->from, ask, "reading it for another file", number)
                                      : hak_ask(c->from, ask, "reading it for another file");
        while (c->status == 0 && hak_query_next(&q))
            insert(c, to, &q);
        int error = hak_query_end(&q);
        if (error && c->status == 0)
            c->status = view_store_error(c->view, error);
        if (!argument)
            break;
    }
    sqlite3_finalize(argument);
    sqlite3_finalize(to);
    return c->status == 0;
}

/* Copies the columns that the new table has. False, and said. */
static bool copy_table(struct copying *c, const char *table) {
    struct hak_text ask = {0}, put = {0};
    sqlite3_stmt *columns = NULL;
    if (sqlite3_prepare_v2(c->to, "SELECT name FROM pragma_table_info(?1)", -1, &columns, NULL) !=
        SQLITE_OK)
        return fail_target(c);
    sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
    hak_text_add(&ask, "SELECT ");
    hak_text_add(&put, "INSERT INTO %s VALUES(", table);
    for (const char *comma = ""; sqlite3_step(columns) == SQLITE_ROW; comma = ", ") {
        const char *name = (const char *)sqlite3_column_text(columns, 0);
        hak_text_add(&ask, "%s\"%s\"", comma, name);
        hak_text_add(&put, "%s?", comma);
    }
    sqlite3_finalize(columns);
    hak_text_add(&ask, " FROM main.\"%s\"", table);
    hak_text_add(&put, ")");
    copy(c, hak_text_string(&ask), hak_text_string(&put), NULL);
    hak_text_free(&ask);
    hak_text_free(&put);
    return c->status == 0;
}

/* The text that a query of the target gives, which the caller frees; NULL: it is printed. */
static char *text_of(struct copying *c, const char *ask) {
    sqlite3_stmt *query = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(c->to, ask, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        text = sqlite3_mprintf("%s", sqlite3_column_text(query, 0));
    sqlite3_finalize(query);
    if (!text)
        fail_target(c);
    return text;
}

/* Creates all tables and views of a capture, then drops the coded ones and those that need them. */
static bool lay_out(struct copying *c) {
    char asks[1024];
    snprintf(asks, sizeof asks,
             "SELECT group_concat('DROP ' || type || ' ' || name, ';') FROM sqlite_master WHERE"
             " (type = 'table' AND name NOT IN (%s)) OR (type = 'view' AND name NOT IN (%s))",
             kept, kept_views);
    if (!run(c, "BEGIN") || !run(c, hak_store_schema_sql))
        return false;
    char *drops = text_of(c, asks);
    bool done = drops && run(c, drops) && run(c, more);
    sqlite3_free(drops);
    return done;
}

/* Copies all tables that are not computed. False, and said. */
static bool copy_tables(struct copying *c) {
    char *tables =
        text_of(c, "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table' AND"
                   " name NOT IN ('profile', 'live', 'stack_node', 'node_frame')");
    char *rest = tables;
    for (const char *table; rest && c->status == 0 && (table = strsep(&rest, ","));)
        copy_table(c, table);
    sqlite3_free(tables);
    return c->status == 0;
}

/* Copies tables, and puts computed rows into plain tables: profile, live blocks, stacks. False, and
 * said. */
static bool fill(struct copying *c) {
    static const char profile_in[] =
        "SELECT %s process, stack, live_blocks, live_bytes, came_blocks, came_bytes, went_blocks,"
        " went_bytes, brief_blocks, brief_bytes FROM profile %s";
    static const char profile_out[] = "INSERT INTO profile VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    char ask[400];
    copy_tables(c);
    snprintf(ask, sizeof ask, profile_in, "'peak',", "WHERE at = 'peak'");
    copy(c, ask, profile_out, NULL);
    snprintf(ask, sizeof ask, profile_in, "'end',", "");
    copy(c, ask, profile_out, NULL);
    if (c->status == 0 && !hak_store_is_profile_only(c->view->reader))
        copy(c,
             "SELECT base, user, size, class, slot, stack, thread, tid, process, birth, ns"
             " FROM live",
             "INSERT INTO live VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", NULL);
    return c->status == 0 &&
           copy(
               c, "SELECT stack, depth, node FROM stack_node WHERE stack = ?1",
               "INSERT INTO stack_node VALUES(?, ?, ?)",
               "SELECT stack FROM profile UNION SELECT stack FROM live UNION SELECT stack FROM leak"
               " UNION SELECT stack FROM thread") &&
           copy(
               c,
               "SELECT node, level, ip, module, module_offset, function, file, line FROM node_frame"
               " WHERE node = ?1",
               "INSERT INTO node_frame VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
               "SELECT DISTINCT node FROM stack_node ORDER BY node");
}

/* Opens the database to write in a file whose name goes at once. (sqlite3_serialize would give the
 * bytes of one of SQLite's own, but not every SQLite before 3.36 has it.) False: printed. */
static bool open_target(struct copying *c) {
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/hakmem-export.XXXXXX",
             folder && folder[0] == '/' ? folder : "/tmp");
    c->file = mkostemp(path, O_CLOEXEC);
    if (c->file < 0) {
        view_error("export sqlite: no file can be made in %.*s: %s; set TMPDIR",
                   (int)(strrchr(path, '/') - path), path, strerror(errno));
        c->status = VIEW_USAGE;
        return false;
    }
    bool is_open = sqlite3_open(path, &c->to) == SQLITE_OK || fail_target(c);
    unlink(path);
    return is_open && run(c, "PRAGMA journal_mode = off; PRAGMA synchronous = off");
}

/* Copies the finished database to the output. False, and said. */
static bool write_target(struct copying *c, struct view_sink *sink) {
    char part[1 << 16];
    off_t at = 0;
    ssize_t got;
    while ((got = pread(c->file, part, sizeof part, at)) > 0) {
        view_sink_add_bytes(sink, part, (size_t)got);
        at += got;
    }
    if (got < 0)
        view_error("export sqlite: reading what was laid out: %s", strerror(errno));
    return got == 0;
}

int export_sqlite(struct export *e) {
    struct copying c = {.view = e->view, .from = hak_store_database(e->view->reader), .file = -1};
    int error = hak_store_add_tables(c.from->connection);
    if (error < 0)
        return view_store_error(e->view, error);
    bool is_own = hak_database_begin_reading(c.from);
    if (open_target(&c) && lay_out(&c) && fill(&c) && run(&c, "COMMIT") &&
        !write_target(&c, e->sink))
        c.status = VIEW_USAGE;
    sqlite3_close(c.to);
    if (c.file >= 0)
        close(c.file);
    hak_database_end_reading(c.from, is_own);
    return c.status;
}

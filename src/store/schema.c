/* Lays out a new store: every table, the views that join them, and the names behind the numbers. */
#include "store/schema.h"

#include <stdio.h>
#include "hop.h"
#include "size_class.h"
#include "store/database.h"
#include "store/file.h"

#define LEAK_TABLE                                                                                 \
    "CREATE TABLE leak(id INTEGER PRIMARY KEY, process INTEGER, scan INTEGER, ns INTEGER,"         \
    " kind TEXT, stack INTEGER, count INTEGER, bytes INTEGER, oldest_ns INTEGER,"                  \
    " newest_ns INTEGER, layer TEXT, fingerprint TEXT, is_finding INTEGER, suppressed_by TEXT, "   \
    "report TEXT);"
#define LEAK_SCAN_TABLE                                                                            \
    "CREATE TABLE leak_scan(id INTEGER PRIMARY KEY, process INTEGER, event INTEGER, ns INTEGER,"   \
    " reason TEXT, live_blocks INTEGER, live_bytes INTEGER, lost_blocks INTEGER,"                  \
    " known_blocks INTEGER, microseconds INTEGER, is_error INTEGER, notes TEXT, summary TEXT,"     \
    " report TEXT);"
#define SUPPRESSION_TABLE                                                                          \
    "CREATE TABLE suppression(path TEXT, line INTEGER, text TEXT, used INTEGER,"                   \
    " PRIMARY KEY(path, line)) WITHOUT ROWID"

static const char layout[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    /* names */
    "CREATE TABLE class(id INTEGER PRIMARY KEY, slot_bytes INTEGER, band INTEGER,"
    " first_slot_offset INTEGER);"
    "CREATE TABLE kind(id INTEGER PRIMARY KEY, name TEXT, is_move INTEGER, sentence TEXT);"
    "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT, text TEXT, sentence TEXT);"
    "CREATE TABLE fault_code(id INTEGER PRIMARY KEY, name TEXT, tag TEXT, sentence TEXT,"
    " what_to_do TEXT);"
    /* who */
    "CREATE TABLE process(id INTEGER PRIMARY KEY, parent INTEGER, fork_event INTEGER, pid INTEGER,"
    " parent_pid INTEGER, session INTEGER, start_time INTEGER, start_ns INTEGER, end_ns INTEGER,"
    " end_kind INTEGER, free_of_null INTEGER, failed_calls INTEGER, foreign_frees INTEGER,"
    " no_stack INTEGER, lost INTEGER, program TEXT, command_line TEXT, exit_status INTEGER,"
    " signal INTEGER, note TEXT);"
    "CREATE TABLE thread(id INTEGER PRIMARY KEY, process INTEGER, number INTEGER, tid INTEGER,"
    " start_ns INTEGER, end_ns INTEGER, name TEXT, creator INTEGER, stack INTEGER);"
    "CREATE INDEX thread_by_number ON thread(process, number);"
    /* where in the program */
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT);"
    "CREATE TABLE image(id INTEGER PRIMARY KEY, path TEXT, build_id TEXT);"
    "CREATE TABLE mapping(id INTEGER PRIMARY KEY, process INTEGER, generation INTEGER,"
    " start INTEGER, \"end\" INTEGER, load_bias INTEGER, load_event INTEGER,"
    " unload_event INTEGER, image INTEGER);"
    "CREATE INDEX mapping_by_process ON mapping(process, start);"
    "CREATE VIEW module AS SELECT id, process, generation, start, \"end\", load_bias, load_event,"
    " unload_event, (SELECT path FROM image i WHERE i.id = image) AS path,"
    " (SELECT build_id FROM image i WHERE i.id = image) AS build_id, image FROM mapping;"
    "CREATE TABLE node_chunk(/* coded; `hakmem-trace sql` has it as the table node */ id INTEGER "
    "PRIMARY KEY, nodes INTEGER, data BLOB);"
    "CREATE TABLE symbol(image INTEGER, offset INTEGER, level INTEGER, line INTEGER,"
    " function INTEGER, file INTEGER, PRIMARY KEY(image, offset, level)) WITHOUT ROWID;"
    "CREATE VIEW frame AS SELECT image AS module, offset, level, line,"
    " coalesce((SELECT text FROM name n WHERE n.id = function), '') AS function,"
    " coalesce((SELECT text FROM name n WHERE n.id = file), '') AS file FROM symbol;"
    /* what happened */
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, events INTEGER, min_ns INTEGER, max_ns INTEGER,"
    " process INTEGER, thread INTEGER, kinds_low INTEGER, kinds_high INTEGER, classes INTEGER,"
    " bytes INTEGER);"
    "CREATE TABLE chunk_data(/* coded; `hakmem-trace sql` has it as event */ chunk INTEGER PRIMARY "
    "KEY, data BLOB);"
    "CREATE TABLE chunk_order(number INTEGER PRIMARY KEY, chunk INTEGER);"
    "CREATE TABLE posting_run(id INTEGER PRIMARY KEY, kind INTEGER, level INTEGER, first INTEGER,"
    " last INTEGER, min_key INTEGER, max_key INTEGER, reach INTEGER, keys INTEGER, data BLOB);"
    "CREATE INDEX posting_run_by_key ON posting_run(kind, level, first, min_key, max_key, last);"
    "CREATE TABLE live_run(id INTEGER PRIMARY KEY, level INTEGER, first_event INTEGER,"
    " last_event INTEGER, max_ns INTEGER, has_all_ends INTEGER, part INTEGER, is_last INTEGER,"
    " min_process INTEGER, min_base INTEGER, max_process INTEGER, max_base INTEGER,"
    " states INTEGER, data BLOB);"
    "CREATE INDEX live_run_part ON live_run(level, first_event, part);"
    "CREATE INDEX live_run_whole ON live_run(level, first_event) WHERE is_last;"
    "CREATE TABLE profile_key(id INTEGER PRIMARY KEY, keys INTEGER, data BLOB);"
    "CREATE TABLE profile_chunk(chunk INTEGER PRIMARY KEY, data BLOB);"
    "CREATE TABLE profile_run(first INTEGER PRIMARY KEY, last INTEGER, data BLOB,"
    " level INTEGER, from_ns INTEGER, to_ns INTEGER);"
    "CREATE TABLE profile_class(process INTEGER, run INTEGER, class INTEGER, blocks INTEGER,"
    " bytes INTEGER, PRIMARY KEY(process, run, class)) WITHOUT ROWID;"
    "CREATE TABLE profile_peak(id INTEGER PRIMARY KEY, event INTEGER, ns INTEGER, bytes INTEGER,"
    " data BLOB);"
    "CREATE TABLE superslab(event INTEGER PRIMARY KEY, ns INTEGER, process INTEGER,"
    " bytes INTEGER);"
    "CREATE TABLE cursor(session INTEGER, ring INTEGER, position INTEGER, time INTEGER,"
    " PRIMARY KEY(session, ring)) WITHOUT ROWID;"
    "CREATE TABLE node_map(session INTEGER, id INTEGER, ids INTEGER, data BLOB,"
    " PRIMARY KEY(session, id)) WITHOUT ROWID;"
    "CREATE TABLE fault(id INTEGER PRIMARY KEY, code INTEGER, event INTEGER, ns INTEGER,"
    " process INTEGER, thread INTEGER, summary TEXT, report TEXT, json TEXT, fingerprint "
    "TEXT);" SUPPRESSION_TABLE ";" LEAK_TABLE LEAK_SCAN_TABLE
    "CREATE TABLE loss(id INTEGER PRIMARY KEY, process INTEGER, thread INTEGER, from_ns INTEGER,"
    " to_ns INTEGER, count INTEGER, reason TEXT);"
    "CREATE TABLE mark(event INTEGER PRIMARY KEY, ns INTEGER, process INTEGER, name TEXT);"
    "CREATE TABLE sample(id INTEGER PRIMARY KEY, ns INTEGER, process INTEGER, name INTEGER,"
    " class INTEGER, value REAL);"
    "CREATE VIEW metric AS SELECT id, ns, process,"
    " (SELECT text FROM name n WHERE n.id = s.name) AS name, class, value FROM sample s;"
    /* views: what a person asks for with plain sqlite3 */
    "CREATE VIEW node_module AS /* the table node is there in `hakmem-trace sql` only */"
    " SELECT n.id AS node, n.parent AS parent, n.ip AS ip,"
    "  (SELECT id FROM (SELECT c.id AS id, c.process = n.process AS is_own, c.generation AS seen"
    "    FROM mapping c, process owner, process own"
    "    WHERE owner.id = c.process AND own.id = n.process AND owner.session = own.session"
    "     AND c.start <= n.ip AND n.ip < c.\"end\" AND c.generation <= n.generation)"
    "   ORDER BY is_own DESC, seen DESC, id LIMIT 1) AS module"
    " FROM node n;"
    "CREATE VIEW node_frame AS"
    " SELECT n.node AS node, n.parent AS parent, printf('0x%x', n.ip) AS ip,"
    "  (SELECT path FROM image i WHERE i.id = m.image) AS module,"
    "  printf('0x%x', n.ip - m.load_bias) AS module_offset, f.level AS level,"
    "  CASE WHEN f.level IS NOT NULL THEN"
    "   coalesce((SELECT text FROM name WHERE name.id = f.function), '') END AS function,"
    "  CASE WHEN f.level IS NOT NULL THEN"
    "   coalesce((SELECT text FROM name WHERE name.id = f.file), '') END AS file, f.line AS line"
    " FROM node_module n LEFT JOIN mapping m ON m.id = n.module"
    " LEFT JOIN symbol f ON f.image = coalesce(m.image, 0)"
    "  AND f.offset = n.ip - coalesce(m.load_bias, 0);"
    "CREATE VIEW stack_frame AS"
    " WITH RECURSIVE walk(stack, depth, node) AS"
    "  (SELECT id, 0, id FROM node UNION ALL"
    "   SELECT w.stack, w.depth + 1, n.parent FROM walk w JOIN node n ON n.id = w.node"
    "   WHERE n.parent <> 0)"
    " SELECT w.stack AS stack, w.depth AS depth, f.level AS level, f.ip AS ip,"
    "  f.module AS module, f.module_offset AS module_offset, f.function AS function,"
    "  f.file AS file, f.line AS line"
    " FROM walk w JOIN node_frame f ON f.node = w.node;"
    "CREATE VIEW thread_name AS"
    " SELECT t.id AS thread, p.pid AS pid, t.tid AS tid, t.number AS number, t.name AS name,"
    "  p.program AS program FROM thread t JOIN process p ON p.id = t.process;"
    "CREATE VIEW fault_line AS"
    " SELECT f.id AS id, printf('HKM-%d', f.code) AS code, c.name AS name, f.event AS event,"
    "  f.ns / 1e9 AS seconds, p.pid AS pid, t.number AS thread, t.name AS thread_name,"
    "  f.summary AS summary FROM fault f LEFT JOIN fault_code c ON c.id = f.code"
    " LEFT JOIN process p ON p.id = f.process LEFT JOIN thread t ON t.id = f.thread;";

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct name_row {
    int id, is_move;
    const char *name, *text, *sentence, *what_to_do;
};

static const struct name_row kinds[] = {
#define HOP(name, number, from, to, sentence) {number, 1, #name, NULL, sentence, NULL},
#define NOTE(name, number, sentence)          {number, 0, #name, NULL, sentence, NULL},
#include "hops.def"
};
static const struct name_row places[] = {
#define PLACE(name, number, text, sentence) {number, 0, #name, text, sentence, NULL},
#include "hops.def"
};
static const struct name_row faults[] = {
#define FAULT(NAME, number, name, tag, injection, sentence, what)                                  \
    {number, 0, name, tag, sentence, what},
#include "faults.def"
};
static const int bands[] = {
#define CLASS(slot_bytes, band) band,
#include "classes.def"
#undef CLASS
};

static const char naming[] = "writing its tables of names";

static int put_names(const struct hak_database *db) {
    int error = 0;
    for (size_t i = 0; i < COUNT_OF(kinds) && !error; i++)
        error = hak_do(db, "INSERT INTO kind VALUES(?, ?, ?, ?)", naming, HAK_NUMBER(kinds[i].id),
                       HAK_TEXT(kinds[i].name), HAK_NUMBER(kinds[i].is_move),
                       HAK_TEXT(kinds[i].sentence));
    for (size_t i = 0; i < COUNT_OF(places) && !error; i++)
        error = hak_do(db, "INSERT INTO place VALUES(?, ?, ?, ?)", naming, HAK_NUMBER(places[i].id),
                       HAK_TEXT(places[i].name), HAK_TEXT(places[i].text),
                       HAK_TEXT(places[i].sentence));
    for (size_t i = 0; i < COUNT_OF(faults) && !error; i++)
        error = hak_do(db, "INSERT INTO fault_code VALUES(?, ?, ?, ?, ?)", naming,
                       HAK_NUMBER(faults[i].id), HAK_TEXT(faults[i].name), HAK_TEXT(faults[i].text),
                       HAK_TEXT(faults[i].sentence), HAK_TEXT(faults[i].what_to_do));
    for (unsigned i = 0; i < HAK_CLASSES && !error; i++)
        error = hak_do(db, "INSERT INTO class VALUES(?, ?, ?, ?)", naming, HAK_NUMBER(i),
                       HAK_NUMBER(hak_class_bytes(i)), HAK_NUMBER(bands[i]),
                       HAK_NUMBER(hak_first_slot_offset(i)));
    return error;
}

int hak_store_make_schema(const struct hak_database *db) {
    char start[256], geometry[256];
    static const char doing[] = "laying out its tables";
    snprintf(start, sizeof start,
             "PRAGMA page_size=4096; BEGIN IMMEDIATE;"
             "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             HAK_STORE_APPLICATION_ID, HAK_STORE_FORMAT);
    snprintf(geometry, sizeof geometry,
             "INSERT INTO meta VALUES('slab_bytes', '%zu'), ('superslab_bytes', '%zu'); COMMIT;",
             HAK_SLAB_BYTES, HAK_SUPERSLAB_BYTES);
    int error = hak_database_run(db, start, doing);
    if (!error)
        error = hak_database_run(db, layout, doing);
    if (!error)
        error = put_names(db);
    return error ? error : hak_database_run(db, geometry, doing);
}

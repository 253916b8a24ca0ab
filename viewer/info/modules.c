/* `modules`: what was loaded where, and how much is known about its code. */
#include "viewer/info/info.h"
#include "viewer/capture/capture.h"

#include <inttypes.h>
#include <string.h>
#include "report/words/words.h"

/* The module of each return address of a stack, once for each place in a module; then the facts
 * known of these places. A node belongs to the process that wrote it, whose modules are its own or
 * copies of those of the process it was forked from. */
#define KNOWN_PLACES                                                                               \
    "WITH placed AS (SELECT DISTINCT n.ip AS ip, (SELECT c.id FROM module c"                       \
    "  WHERE c.process = n.process AND c.start <= n.ip AND c.\"end\" > n.ip"                       \
    "  AND c.generation <= n.generation ORDER BY c.generation DESC, c.id DESC LIMIT 1) AS module"  \
    "  FROM node n WHERE ?1 = 0 OR n.process = ?1),"                                               \
    " known AS (SELECT m.id AS module, m.path AS path, m.build_id AS build_id,"                    \
    "  p.ip - m.load_bias AS offset, coalesce(f.function, '') <> '' AS named,"                     \
    "  coalesce(f.line, 0) > 0 AS line FROM placed p JOIN module m ON m.id = p.module"             \
    "  LEFT JOIN frame f ON f.module = m.image"                                                    \
    " AND f.offset = p.ip - m.load_bias AND f.level = 0),"
#define COUNTS                                                                                     \
    "count(DISTINCT offset) AS frames, count(DISTINCT CASE WHEN named THEN offset END) AS named,"  \
    " count(DISTINCT CASE WHEN line THEN offset END) AS lines FROM known"

/* One row for each mapping; one for each file, with all its mappings. */
static const char rows_sql[] =
    KNOWN_PLACES " k AS (SELECT module, " COUNTS " GROUP BY module)"
                 " SELECT m.id, m.process, 1, m.path, m.build_id, m.start, m.\"end\", m.load_bias,"
                 " m.generation, m.load_event, m.unload_event, coalesce(k.frames, 0),"
                 " coalesce(k.named, 0), coalesce(k.lines, 0), m.unload_event > 0"
                 " FROM module m LEFT JOIN k ON k.module = m.id WHERE ?1 = 0 OR m.process = ?1"
                 " ORDER BY m.process, m.start, m.generation, m.id";
static const char files_sql[] =
    KNOWN_PLACES " k AS (SELECT path, build_id, " COUNTS " GROUP BY path, build_id)"
                 " SELECT min(m.id), 0, count(DISTINCT m.process), m.path, m.build_id, 0, 0, 0, 0,"
                 " 0, 0, coalesce(k.frames, 0), coalesce(k.named, 0), coalesce(k.lines, 0),"
                 " sum(m.unload_event > 0)"
                 " FROM module m LEFT JOIN k ON k.path = m.path AND k.build_id = m.build_id"
                 " WHERE ?1 = 0 OR m.process = ?1 GROUP BY m.path, m.build_id ORDER BY min(m.id)";
enum {
    ID,
    PROCESS,
    PROCESSES,
    PATH,
    BUILD_ID,
    START,
    END,
    BIAS,
    GENERATION,
    LOAD,
    UNLOAD,
    FRAMES,
    NAMED,
    LINES,
    UNLOADS
};

struct modules {
    struct view *view;
    struct hak_query query;
    bool ranges; /* one line for each mapping, not for each file */
    uint32_t process, last_process;
    uint64_t unloads;
    struct answer answer;
    struct hak_query unreadable; /* is the file ?1 one that killed its reader? */
};

static uint64_t number_in(const struct modules *all, int column) {
    return hak_query_number(&all->query, column);
}

static const char *text_in(const struct modules *all, int column) {
    return hak_query_text(&all->query, column);
}

/* The store has a line "PATH: why" for each file that is not read. */
#define UNREADABLE_SQL                                                                             \
    "SELECT 1 FROM meta WHERE key = 'unreadable'"                                                  \
    " AND instr(char(10) || value, char(10) || ?1 || ': ') > 0"

/* True when the symbols of this row's module could not be read. */
static bool is_unreadable(struct modules *all) {
    hak_query_again(&all->unreadable);
    hak_query_bind_text(&all->unreadable, 1, text_in(all, PATH));
    return hak_query_next(&all->unreadable);
}

/* "functions, lines", "functions", "none found": the symbols known of this module's frames. */
static const char *symbols_of(struct modules *all) {
    if (is_unreadable(all))
        return "unreadable";
    if (number_in(all, FRAMES) == 0)
        return "-";
    if (number_in(all, LINES) > 0)
        return "functions, lines";
    return number_in(all, NAMED) > 0 ? "functions" : "none found";
}

/* The path, and when a module was loaded and unloaded, if it was not there from the start to the
 * end. */
static void add_path(struct hak_text *text, const struct modules *all) {
    hak_text_add_name(text, text_in(all, PATH));
    if (!all->ranges && number_in(all, UNLOADS) > 0)
        hak_text_add(text, "   %s", hak_words_count(number_in(all, UNLOADS), "unload", "unloads"));
    else if (all->ranges && number_in(all, UNLOAD) > 0)
        hak_text_add(text, "   loaded at event %s, unloaded at %s",
                     hak_words_number(number_in(all, LOAD)),
                     hak_words_number(number_in(all, UNLOAD)));
    else if (all->ranges && number_in(all, GENERATION) > 0)
        hak_text_add(text, "   loaded at event %s, after %s",
                     hak_words_number(number_in(all, LOAD)),
                     hak_words_count(number_in(all, GENERATION), "unload", "unloads"));
}

/* Prints the table of the process before and begins a new one. */
static void begin_process(struct hak_text *text, struct modules *all) {
    answer_print(text, &all->answer);
    hak_text_add(text, "%sprocess ", all->last_process ? "\n" : "");
    all->last_process = (uint32_t)number_in(all, PROCESS);
    view_add_process(text, all->view, all->last_process);
    hak_text_add(text, "\n");
}

#define RANGE(name) (all->ranges ? (name) : NULL)
#define FILES(name) (all->ranges ? NULL : (name))

/* Adds the row of a module's range or, over all processes, of its file. Headings are as wide as
 * their columns. */
static void add_module(struct modules *all) {
    all->answer.table.is_fixed = true;
    answer_row(
        &all->answer, DATA(NUMBER(RANGE("id"), number_in(all, ID))),
        DATA(NUMBER(RANGE("process"), number_in(all, PROCESS))),
        DATA(ADDRESS(RANGE("start"), number_in(all, START))),
        MADE(RANGE("<from          "), hak_text_add, "0x%" PRIx64, number_in(all, START)),
        DATA(ADDRESS(RANGE("end"), number_in(all, END))),
        MADE(RANGE("<to            "), hak_text_add, "0x%" PRIx64, number_in(all, END)),
        DATA(ADDRESS(RANGE("load_bias"), number_in(all, BIAS))),
        DATA(NUMBER(RANGE("generation"), number_in(all, GENERATION))),
        DATA(NUMBER(RANGE("load_event"), number_in(all, LOAD))),
        DATA(KNOWN(RANGE("unload_event"), number_in(all, UNLOAD), number_in(all, UNLOAD))),
        DATA(NUMBER(FILES("processes"), number_in(all, PROCESSES))),
        MADE(FILES("processes"), hak_text_add, "%9s", hak_words_number(number_in(all, PROCESSES))),
        DATA(TEXT("path", text_in(all, PATH))), DATA(TEXT("build_id", text_in(all, BUILD_ID))),
        AMOUNT("frames", "frames", number_in(all, FRAMES)),
        AMOUNT("named", "frames_named", number_in(all, NAMED)),
        AMOUNT(" with line", "frames_with_line", number_in(all, LINES)),
        MADE("<symbols         ", hak_text_add, "%s", symbols_of(all)),
        MADE("<build-id", hak_text_add, "%.8s",
             text_in(all, BUILD_ID)[0] ? text_in(all, BUILD_ID) : "none"),
        MADE("<path", add_path, all), DATA(NUMBER("unloads", number_in(all, UNLOADS))));
    all->unloads += number_in(all, UNLOADS);
}

static void add_module_sum(struct hak_text *text, const struct modules *all) {
    hak_text_add(text, "\n%s, %s.", hak_words_count(all->answer.rows, "module", "modules"),
                 hak_words_count(all->unloads, "unload", "unloads"));
    if (!all->ranges)
        hak_text_add(text, " --process PID or --all show where each was mapped.");
    hak_text_add(text, "\n");
}

int command_modules(struct view *view) {
    struct modules all = {.view = view};
    struct hak_text text = {0};
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_choose_process(view, &all.process))
        return view_question_status();
    all.ranges = all.process != 0 || view->summary.processes < 2 || view_given(view, "all");
    all.answer = answer_begin(view, view->json);
    const struct hak_database *database = hak_store_database(view->reader);
    all.unreadable = hak_ask(database, UNREADABLE_SQL, "reading modules");
    all.query =
        hak_ask(database, all.ranges ? rows_sql : files_sql, "reading modules", all.process);
    while (hak_query_next(&all.query)) {
        if (!view->json && all.ranges && number_in(&all, PROCESS) != all.last_process)
            begin_process(&text, &all);
        add_module(&all);
    }
    status = view_end_query(view, &all.query, true);
    hak_query_end(&all.unreadable);
    view_start_pager(view);
    if (status == 0 && view->json)
        return view_print_document(
                   view, hak_json_set(view_json_document(view), JSON("modules", all.answer.list)))
                   ? VIEW_OK
                   : VIEW_UNREADABLE;
    if (status == 0 && all.answer.rows == 0)
        view_say_none(view, "module", all.process);
    answer_print(&text, &all.answer);
    if (status == 0 && all.answer.rows > 0)
        add_module_sum(&text, &all);
    view_print(&text);
    answer_end(&all.answer);
    return status;
}

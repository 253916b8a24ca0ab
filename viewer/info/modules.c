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
    uint64_t count, unloads;
    json_t *list;
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

static void add_heading(struct hak_text *text, const struct modules *all) {
    hak_text_add(text, "%s", view_style(all->view, VIEW_BOLD));
    if (all->ranges)
        hak_text_add(text, "from            to              ");
    else
        hak_text_add(text, "processes  ");
    hak_text_add(text, "frames  named   with line  symbols           build-id  path%s\n",
                 view_style(all->view, VIEW_PLAIN));
}

/* Adds when a module was loaded and unloaded, if it was not there from the start to the end. */
static void add_loads(struct hak_text *text, const struct modules *all) {
    if (number_in(all, UNLOAD) > 0)
        hak_text_add(text, "   loaded at event %s, unloaded at %s",
                     hak_words_number(number_in(all, LOAD)),
                     hak_words_number(number_in(all, UNLOAD)));
    else if (number_in(all, GENERATION) > 0)
        hak_text_add(text, "   loaded at event %s, after %s",
                     hak_words_number(number_in(all, LOAD)),
                     hak_words_count(number_in(all, GENERATION), "unload", "unloads"));
}

static void add_module_line(struct hak_text *text, struct modules *all) {
    int column = 0;
    if (all->ranges) {
        hak_text_add(text, "0x%" PRIx64, number_in(all, START));
        hak_text_add_at(text, 16, "0x%" PRIx64, number_in(all, END));
        hak_text_tab(text, column = 32);
    } else {
        hak_text_add(text, "%9s", hak_words_number(number_in(all, PROCESSES)));
        hak_text_tab(text, column = 11);
    }
    hak_text_add(text, "%6s  ", hak_words_number(number_in(all, FRAMES)));
    hak_text_add(text, "%5s   ", hak_words_number(number_in(all, NAMED)));
    hak_text_add(text, "%9s  ", hak_words_number(number_in(all, LINES)));
    hak_text_add(text, "%s", symbols_of(all));
    hak_text_add_at(text, column + 45, "%.8s",
                    text_in(all, BUILD_ID)[0] ? text_in(all, BUILD_ID) : "none");
    hak_text_tab(text, column + 55);
    hak_text_add_name(text, text_in(all, PATH));
    if (all->ranges)
        add_loads(text, all);
    else if (number_in(all, UNLOADS) > 0)
        hak_text_add(text, "   %s", hak_words_count(number_in(all, UNLOADS), "unload", "unloads"));
    hak_text_add(text, "\n");
}

static void print_module(struct modules *all) {
    struct hak_text text = {0};
    if (all->ranges && number_in(all, PROCESS) != all->last_process) {
        hak_text_add(&text, "%sprocess ", all->count ? "\n" : "");
        view_add_process(&text, all->view, (uint32_t)number_in(all, PROCESS));
        hak_text_add(&text, "\n");
        add_heading(&text, all);
    } else if (all->count == 0) {
        add_heading(&text, all);
    }
    all->last_process = (uint32_t)number_in(all, PROCESS);
    add_module_line(&text, all);
    view_print(&text);
}

static void add_module_json(struct modules *all) {
    json_t *object = json_object();
    if (all->ranges) {
        hak_json_set(object, NUMBER("id", number_in(all, ID)),
                     NUMBER("process", number_in(all, PROCESS)),
                     ADDRESS("start", number_in(all, START)), ADDRESS("end", number_in(all, END)),
                     ADDRESS("load_bias", number_in(all, BIAS)),
                     NUMBER("generation", number_in(all, GENERATION)),
                     NUMBER("load_event", number_in(all, LOAD)),
                     KNOWN("unload_event", number_in(all, UNLOAD), number_in(all, UNLOAD)));
    } else {
        hak_json_set(object, NUMBER("processes", number_in(all, PROCESSES)));
    }
    hak_json_set(object, TEXT("path", text_in(all, PATH)), TEXT("build_id", text_in(all, BUILD_ID)),
                 NUMBER("frames", number_in(all, FRAMES)),
                 NUMBER("frames_named", number_in(all, NAMED)),
                 NUMBER("frames_with_line", number_in(all, LINES)),
                 NUMBER("unloads", number_in(all, UNLOADS)));
    json_array_append_new(all->list, object);
}

static void end_text(struct modules *all) {
    struct hak_text text = {0};
    if (all->count == 0) {
        hak_text_add(&text, "no module in ");
        view_add_extent_of(&text, all->view, all->process);
        view_error_text(&text);
        return;
    }
    hak_text_add(&text, "\n%s, %s.", hak_words_count(all->count, "module", "modules"),
                 hak_words_count(all->unloads, "unload", "unloads"));
    if (!all->ranges)
        hak_text_add(&text, " --process PID or --all show where each was mapped.");
    hak_text_add(&text, "\n");
    view_print(&text);
}

static int end_json(struct modules *all) {
    json_t *document = hak_json_set(view_json_document(all->view), JSON("modules", all->list));
    return view_print_document(all->view, document) ? 0 : VIEW_UNREADABLE;
}

int command_modules(struct view *view) {
    struct modules all = {.view = view, .list = json_array()};
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_choose_process(view, &all.process))
        return VIEW_USAGE;
    all.ranges = all.process != 0 || view->summary.processes < 2 || view_given(view, "all");
    const struct hak_database *database = hak_store_database(view->reader);
    all.unreadable = hak_ask(database, UNREADABLE_SQL, "reading modules");
    all.query =
        hak_ask(database, all.ranges ? rows_sql : files_sql, "reading modules", all.process);
    while (!ferror(stdout) && hak_query_next(&all.query)) {
        view_start_pager(view);
        if (view->json)
            add_module_json(&all);
        else
            print_module(&all);
        all.count++;
        all.unloads += number_in(&all, UNLOADS);
    }
    status = view_end_query(view, &all.query, true);
    hak_query_end(&all.unreadable);
    if (status != 0) {
        json_decref(all.list);
        return status;
    }
    if (view->json)
        return end_json(&all);
    json_decref(all.list);
    end_text(&all);
    return VIEW_OK;
}

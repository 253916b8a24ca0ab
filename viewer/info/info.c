/* `info`: what the capture holds and how complete it is. `info --options` is in options.c. */
#include "viewer/info/info.h"
#include "viewer/capture/capture.h"

#include <jansson.h>
#include <string.h>
#include <time.h>
#include <stdlib.h>
#include "hop.h"
#include "report/words/words.h"
#include "viewer/info/parts.h"
#include "viewer/info/tree.h"

/* Losses printed before "and N more". */
#define LINES_SHOWN 20

/* Gives the lines that the store has under `key`: of "unreadable" files that killed their reader,
 * of "made_code" processes with code that was made at run time. In `text` or, where that is NULL,
 * as a list. */
static json_t *give_lines(struct hak_text *text, struct view *view, const char *key) {
    char *lines = hak_database_meta(hak_store_database(view->reader), key);
    json_t *list = text ? NULL : json_array();
    for (const char *at = lines; at && *at;) {
        char line[2 * 4096];
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        if (text)
            answer_next_line(text);
        if (text)
            hak_text_add(text, "%s", line);
        else
            json_array_append_new(list, hak_json_text(line));
        at += length + (at[length] == '\n');
    }
    free(lines);
    return list;
}

/* Why this machine gave level normal no debug registers, in a sentence; NULL: it did, or nobody
 * asked. */
static char *read_unwatched(struct view *view) {
    return hak_database_text(hak_store_database(view->reader),
                             "SELECT 'no debug register watched: ' || value FROM meta"
                             " WHERE key = 'unwatched'",
                             0);
}

/* The machine that it was recorded on, where that is another than x86-64; else NULL, as for
 * captures from before it was noted. */
static char *read_machine(struct view *view) {
    return hak_database_text(hak_store_database(view->reader),
                             "SELECT value FROM meta WHERE key = 'machine' AND value <> 'x86-64'",
                             0);
}

/* Adds when the recording began, in local time. */
static void add_started(struct hak_text *text, struct view *view) {
    time_t seconds = view_start_time(view);
    struct tm local;
    char when[64];
    if (seconds > 0 && localtime_r(&seconds, &local) &&
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &local) > 0)
        hak_text_add(text, "%s", when);
}

static void add_size(struct hak_text *text, const struct view *view) {
    hak_text_add(text, "%s", hak_words_size(info_file_bytes(view)));
    if (info_is_long(view))
        hak_text_add(text, ", %.2f bytes for each event",
                     (double)info_file_bytes(view) / (double)view->summary.events);
}

/* Adds how many events there are, in how many chunks, from when to when. */
static void add_extent(struct hak_text *text, const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    hak_text_add(text, "%s in %s, from %s to %s", hak_words_number(summary->events),
                 hak_store_is_profile_only(view->reader)
                     ? "the profile, which is all that is kept"
                     : hak_words_count(summary->chunks, "chunk", "chunks"),
                 hak_words_time(summary->first_ns), hak_words_time(summary->last_ns));
}

/* Calls that are only counted. */
static void add_calls(struct hak_text *text, struct view *view) {
    const char *what[] = {"calls of free(NULL)", "calls that failed",
                          "frees of other allocators' blocks",
                          "events whose stack could not be kept"};
    uint64_t count[4];
    if (hak_store_is_kept(view->reader))
        what[2] = "frees of blocks that were not seen to be taken";
    int found = hak_database_numbers(hak_store_database(view->reader),
                                     "SELECT sum(free_of_null), sum(failed_calls),"
                                     " sum(foreign_frees), sum(no_stack) FROM process",
                                     0, count, 4);
    if (found < 0)
        view_store_error(view, found);
    for (int i = 0; i < 4; i++)
        if (count[i] > 0) {
            answer_next_line(text);
            hak_text_add(text, "%s %s, counted only", hak_words_number(count[i]), what[i]);
        }
}

/* Gives the inner pools that hide small blocks, known by the loaded modules, each once: in `text`
 * or, where that is NULL, as a list. */
static json_t *give_pools(struct hak_text *text, struct view *view) {
    json_t *list = text ? NULL : json_array();
    const struct inner_pool *pool, *before = NULL;
    for (int at = 0; (pool = pools_next(view, &at)) != NULL; before = pool) {
        if (before && before->words == pool->words)
            continue;
        if (!text) {
            json_array_append_new(list, json_string(pool->words));
            continue;
        }
        answer_next_line(text);
        hak_text_add(text, "%s", pool->words);
        if (pool->variable)
            hak_text_add(text, ", unless %s was set; `run --pools=malloc` sets it", pool->variable);
    }
    return list;
}

/* Whether one more line below `heading`, which the first of them brings, is shown. */
static bool shows_line(struct hak_text *text, struct view *view, const char *heading, int *lines) {
    if ((*lines)++ == 0)
        hak_text_add(text, "\n%s%s%s\n", view_style(view, VIEW_BOLD), heading,
                     view_style(view, VIEW_PLAIN));
    return *lines <= LINES_SHOWN || view_given(view, "all");
}

/* When recording was stopped, in each process. */
static void add_stops(struct hak_text *text, struct view *view) {
    int lines = 0, left_out = 0;
    if (view->summary.stops == 0)
        return;
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT p.pid, l.from_ns, l.to_ns FROM loss l LEFT JOIN process p"
                " ON p.id = l.process WHERE l.reason = 'stopped' ORDER BY l.from_ns, l.id",
                INFO_READING);
    while (hak_query_next(&q)) {
        if (!shows_line(text, view, "NOT RECORDED", &lines)) {
            left_out++;
            continue;
        }
        hak_text_add(text, "  process %d from %s ", (int)hak_query_number(&q, 0),
                     hak_words_time(hak_query_number(&q, 1)));
        if (hak_query_number(&q, 2) == HAK_LOSS_OPEN)
            hak_text_add(text, "on\n");
        else
            hak_text_add(text, "to %s\n", hak_words_time(hak_query_number(&q, 2)));
    }
    if (left_out > 0)
        hak_text_add(text, "... and %d more; --all shows them\n", left_out);
    view_end_query(view, &q, true);
}

/* Adds the marks; names of pools stand in the same table and are left out. */
static void add_marks(struct hak_text *text, struct view *view) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT event, ns, name FROM mark ORDER BY event", INFO_READING);
    struct hak_event event;
    int lines = 0;
    while (hak_query_next(&q)) {
        if (hak_store_event(view->reader, hak_query_number(&q, 0), &event) != 1 ||
            event.kind != HAK_MARK)
            continue;
        if (!shows_line(text, view, "MARKS", &lines)) {
            hak_text_add(text, "... and more; --all shows them\n");
            break;
        }
        hak_text_add(text, "  %s  event %s  ", hak_words_time(hak_query_number(&q, 1)),
                     hak_words_number(event.id));
        hak_text_add_name(text, hak_query_text(&q, 2));
        hak_text_add(text, "\n");
    }
    view_end_query(view, &q, true);
}

/* The stretches in which events were lost. */
static void add_losses(struct hak_text *text, struct view *view) {
    if (view->summary.losses == 0)
        return;
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT l.count, l.from_ns, l.to_ns, p.pid, t.number, l.reason FROM loss l "
                "LEFT JOIN process p ON p.id = l.process LEFT JOIN thread t ON t.id = l.thread "
                "WHERE l.reason IS NOT 'stopped' ORDER BY l.from_ns, l.id",
                INFO_READING);
    int shown = 0;
    hak_text_add(text, "\n%sLOST EVENTS%s\n", view_style(view, VIEW_BOLD),
                 view_style(view, VIEW_PLAIN));
    while (hak_query_next(&q)) {
        if (shown++ == LINES_SHOWN && !view_given(view, "all")) {
            hak_text_add(text, "... and %s; --all shows them\n",
                         hak_words_count(view->summary.losses - LINES_SHOWN, "more stretch",
                                         "more stretches"));
            break;
        }
        hak_text_add(text, "  %s between %s and %s, process %d",
                     hak_words_number(hak_query_number(&q, 0)),
                     hak_words_time(hak_query_number(&q, 1)),
                     hak_words_time(hak_query_number(&q, 2)), (int)hak_query_number(&q, 3));
        if (hak_query_count(&q, 4) > 0)
            hak_text_add(text, " thread %d", (int)hak_query_number(&q, 4));
        hak_text_add(text, ": %s\n", hak_query_text(&q, 5));
    }
    view_end_query(view, &q, true);
}

json_t *info_rows_json(struct view *view, const char *sql) {
    json_t *list = json_array();
    struct hak_query q = hak_ask(hak_store_database(view->reader), sql, INFO_READING);
    while (hak_query_next(&q)) {
        json_t *object = json_object();
        for (int i = 0; i < sqlite3_column_count(q.statement); i++)
            hak_json_set(object, JSON(sqlite3_column_name(q.statement, i),
                                      sqlite3_column_type(q.statement, i) == SQLITE_INTEGER
                                          ? json_integer((json_int_t)hak_query_number(&q, i))
                                          : hak_json_text(hak_query_text(&q, i))));
        json_array_append_new(list, object);
    }
    view_end_query(view, &q, true);
    return list;
}

/* The rows of `process` with what only the tree knows: events, faults, what a process became. */
static json_t *processes_json(struct view *view, const struct tree *tree) {
    json_t *list = info_rows_json(
        view,
        "SELECT id, parent, fork_event, pid, parent_pid, session, start_time, start_ns, end_ns, "
        "end_kind, free_of_null, failed_calls, foreign_frees, no_stack, lost, program, "
        "command_line, exit_status, signal, note FROM process ORDER BY id");
    json_t *object;
    size_t i;
    json_array_foreach(list, i, object) {
        int at = tree_find(tree, (uint32_t)json_integer_value(json_object_get(object, "id")));
        if (at < 0)
            continue;
        const struct tree_process *p = &tree->list[at];
        hak_json_set(
            object, NUMBER("threads", p->threads), NUMBER("events", p->events),
            NUMBER("faults", p->faults),
            KNOWN("became", p->became >= 0, p->became >= 0 ? tree->list[p->became].id : 0));
    }
    return list;
}

/* The facts of the whole capture, as text or in the document. */
static void give_facts(struct view *view, struct hak_text *text, json_t *document,
                       const struct tree *tree) {
    const struct hak_store_summary *summary = &view->summary;
    struct view_checked checked = {0};
    struct hak_coverage coverage;
    bool is_told = !view_sampled_rate(view); /* else nothing is known of what was checked */
    int found = is_told ? view_read_checked(view, &checked) : 0;
    int error = view_read_coverage(view, &coverage);
    is_told &= found >= 0;
    if (found < 0 || error)
        view_store_error(view, error ? error : found);
    uint64_t leaks;
    int scanned = view_count_leaks(view, 0, &leaks);
    char *program = hak_database_meta(hak_store_database(view->reader), "command_line");
    char *unwatched = read_unwatched(view), *machine = read_machine(view);
    answer_facts(
        view, text, document, CELL("capture", view->store_path), MADE("size", add_size, view),
        MADE("", info_add_parts, view), DATA(NUMBER("bytes", info_file_bytes(view))),
        DATA_OF("bytes_by_part", info_parts_json(view)), MADE("recorded", add_started, view),
        STRING(program ? "program" : NULL, "program", program ? program : ""),
        STRING(machine ? "machine" : NULL, machine ? "machine" : NULL, machine),
        MADE("events", add_extent, view), DATA(NUMBER("events", summary->events)),
        DATA(NUMBER("chunks", summary->chunks)), DATA(NUMBER("first_ns", summary->first_ns)),
        DATA(NUMBER("last_ns", summary->last_ns)), AMOUNT("threads", "threads", summary->threads),
        AMOUNT("modules", "modules", summary->modules),
        AMOUNT("stack nodes", "nodes", summary->nodes), DATA(NUMBER("faults", summary->faults)),
        MADE("faults", hak_text_add, "%s%s", hak_words_number(summary->faults),
             summary->faults > 0 ? "; `hakmem-trace faults` lists them" : ""),
        DATA(KNOWN("leaks", scanned > 0, leaks)),
        MADE(scanned > 0 ? "leaks" : NULL, hak_text_add, "%s%s", hak_words_number(leaks),
             leaks > 0 ? "; `hakmem-trace leaks` lists them" : ""),
        MADE("complete", view_add_completeness, view),
        MADE("unreadable", give_lines, view, "unreadable"),
        MADE("made code", give_lines, view, "made_code"),
        CELL(unwatched ? "registers" : NULL, unwatched), MADE("", add_calls, view),
        MADE("inner pools", give_pools, view), DATA_OF("inner_pools", give_pools(NULL, view)),
        MADE(is_told ? "checked" : NULL, view_add_checked, &checked),
        DATA_OF("checked", is_told ? view_checked_json(&checked) : json_null()),
        MADE(hak_coverage_is_known(&coverage) ? "guarded" : NULL, hak_words_add_guarded, &coverage),
        DATA_OF("guarded", hak_coverage_json(&coverage)), MADE("closed", info_add_closed, view),
        DATA_OF("closed", info_closed_json(view)), MADE("replaced", info_add_replaced, view),
        DATA_OF("replaced", info_replaced_json(view)), MADE("allocator", info_add_kept, view),
        MADE("slack", info_add_slack, view), DATA_OF("kept", info_kept_json(view)),
        DATA_OF("suppressions", info_suppressions_json(view)),
        DATA_OF("processes", processes_json(view, tree)),
        DATA_OF("losses", info_rows_json(view, "SELECT process, thread, from_ns, to_ns, count, "
                                               "reason FROM loss WHERE reason IS NOT 'stopped' "
                                               "ORDER BY from_ns, id")),
        DATA_OF("stops", info_rows_json(view, "SELECT process, from_ns, nullif(to_ns, "
                                              "9223372036854775807) AS to_ns FROM loss "
                                              "WHERE reason = 'stopped' ORDER BY from_ns, id")),
        DATA_OF("unreadable", give_lines(NULL, view, "unreadable")),
        DATA_OF("made_code", give_lines(NULL, view, "made_code")),
        DATA_OF("registers", unwatched ? hak_json_text(unwatched) : json_null()));
    free(program);
    free(unwatched);
    free(machine);
}

int command_info(struct view *view) {
    struct tree tree;
    uint32_t process = 0;
    if (view_given(view, "options"))
        return info_options(view);
    if (view_given(view, "clean"))
        return info_clean(view);
    if (view_given(view, "yes")) {
        view_error("info --yes needs --clean");
        return VIEW_USAGE;
    }
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_choose_process(view, &process))
        return view_question_status();
    status = tree_load(&tree, view);
    if (status != 0)
        return status;
    view_start_pager(view);
    bool printed;
    struct hak_text text = {0};
    json_t *document = view->json ? view_json_document(view) : NULL;
    give_facts(view, &text, document, &tree);
    if (document) {
        printed = view_print_document(view, document);
    } else {
        info_add_suppressions(&text, view);
        hak_text_add(&text, "\n");
        tree_add_table(&text, view, &tree, process ? tree_find(&tree, process) : -1,
                       view_given(view, "all"));
        add_marks(&text, view);
        add_stops(&text, view);
        add_losses(&text, view);
        printed = view_print(&text);
    }
    printed &= !tree.is_short;
    tree_free(&tree);
    return printed ? view_completeness(view) : VIEW_UNREADABLE;
}

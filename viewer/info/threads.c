/* `threads`: the threads that ran, and what each did with the heap. */
#include "viewer/info/info.h"
#include "viewer/capture/capture.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/history/history.h"

#define THREADS_MAX (3u << 20) /* threads: 200 MiB of tallies */

struct thread {
    uint32_t row, process, number;
    int tid;
    uint64_t start_ns, end_ns, lost;
    struct hak_thread_origin_row origin; /* all 0 where it is not known where it was created */
    struct hak_thread_tally did;
};

struct threads {
    struct view *view;
    struct thread *list;
    uint32_t count;
    uint32_t process; /* --process, 0 = all */
};

/* ---- gathering ---------------------------------------------------------------------------------
 */

/* Highest row id of a thread, for arrays by row: ids count from 1 without gaps. */
static uint32_t highest_row(const struct threads *all) {
    uint32_t highest = 0;
    for (uint32_t i = 0; i < all->count; i++)
        highest = all->list[i].row > highest ? all->list[i].row : highest;
    return highest;
}

/* Loads the threads of the process, or all. False, and said. */
static bool load_threads(struct threads *all) {
    struct view *view = all->view;
    uint32_t room = view->summary.threads;
    all->list = calloc((size_t)room + 1, sizeof *all->list);
    if (!all->list) {
        view_error("out of memory");
        return false;
    }
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT t.id, t.process, t.number, t.tid, t.start_ns, "
                "coalesce(nullif(t.end_ns, 0), p.end_ns), "
                "(SELECT coalesce(sum(count), 0) FROM loss l WHERE l.thread = t.id), "
                "t.creator, t.stack "
                "FROM thread t LEFT JOIN process p ON p.id = t.process WHERE ?1 = 0 OR t.process = "
                "?1 ORDER BY t.process, t.number, t.id",
                "reading threads", all->process);
    while (all->count < room && hak_query_next(&q))
        all->list[all->count++] = (struct thread){
            .row = hak_query_id(&q, 0),
            .process = hak_query_id(&q, 1),
            .number = hak_query_id(&q, 2),
            .tid = (int)hak_query_number(&q, 3),
            .start_ns = hak_query_number(&q, 4),
            .end_ns = hak_query_number(&q, 5),
            .lost = hak_query_number(&q, 6),
            .origin = {.creator = hak_query_id(&q, 7), .stack = hak_query_id(&q, 8)},
        };
    return view_end_query(view, &q, true) == 0;
}

/* Counts each thread's events. 0, or an exit status. */
static int add_tallies(struct threads *all) {
    uint32_t highest = highest_row(all);
    if (highest >= THREADS_MAX) {
        view_error("%s refers to thread row %u: no store that hakmem wrote has that number",
                   all->view->store_path, highest);
        return VIEW_UNREADABLE;
    }
    uint32_t rows = highest + 1;
    struct hak_thread_tally *did = calloc(rows, sizeof *did);
    if (!did) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    int error = hak_store_tally_threads(all->view->reader, all->process, did, rows);
    for (uint32_t i = 0; i < all->count; i++)
        all->list[i].did = did[all->list[i].row];
    free(did);
    return error < 0 ? view_store_error(all->view, error) : 0;
}

/* ---- order -------------------------------------------------------------------------------------
 */

/* By process, number, row. */
static int by_place(const struct thread *a, const struct thread *b) {
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static size_t sorted_by; /* offset of the value */

/* The figure that the threads are sorted by. */
static uint64_t value_of(const struct thread *t) {
    uint64_t value;
    memcpy(&value, (const char *)t + sorted_by, sizeof value);
    return value;
}

/* Orders threads by the sorted value, most first; equal ones as they are listed. */
static int by_value(const void *x, const void *y) {
    const struct thread *a = x, *b = y;
    uint64_t p = value_of(a), q = value_of(b);
    return p != q ? (p < q ? 1 : -1) : by_place(a, b);
}

static const struct {
    const char *name;
    size_t offset; /* 0 = as they are listed */
} orders[] = {
    {"process", 0},
    {"events", offsetof(struct thread, did.events)},
    {"mallocs", offsetof(struct thread, did.mallocs)},
    {"frees", offsetof(struct thread, did.frees)},
    {"reallocs", offsetof(struct thread, did.reallocs)},
    {"bytes", offsetof(struct thread, did.asked_bytes)},
    {"remote", offsetof(struct thread, did.remote_frees)},
    {"lost", offsetof(struct thread, lost)},
    {"last", offsetof(struct thread, did.last_event)},
};

/* Sorts by --sort. False, and said: no such figure. */
static bool sort(struct threads *all) {
    const char *wanted = view_value(all->view, "sort");
    struct hak_text known = {0};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (!wanted || strcmp(wanted, orders[i].name) == 0) {
            sorted_by = orders[i].offset;
            if (sorted_by)
                qsort(all->list, all->count, sizeof *all->list, by_value);
            hak_text_free(&known);
            return true;
        }
        hak_text_add(&known, "%s%s", i ? ", " : "", orders[i].name);
    }
    view_error("--sort %s: one of %s was expected", wanted, hak_text_string(&known));
    hak_text_free(&known);
    return false;
}

/* ---- printing ----------------------------------------------------------------------------------
 */

/* The sums of all threads. */
static void add_sum(struct hak_text *text, const struct threads *all) {
    struct hak_thread_tally sum = {0};
    for (uint32_t i = 0; i < all->count; i++) {
        const struct hak_thread_tally *did = &all->list[i].did;
        sum.events += did->events;
        sum.mallocs += did->mallocs;
        sum.frees += did->frees;
        sum.reallocs += did->reallocs;
        sum.asked_bytes += did->asked_bytes;
        sum.remote_frees += did->remote_frees;
    }
    hak_text_add(text, "\n%s: %s", hak_words_count(all->count, "thread", "threads"),
                 hak_words_count(sum.mallocs, "malloc", "mallocs"));
    hak_text_add(text, ", %s, %s, %s asked", hak_words_count(sum.frees, "free", "frees"),
                 hak_words_count(sum.reallocs, "realloc", "reallocs"),
                 hak_words_size(sum.asked_bytes));
    if (sum.remote_frees > 0)
        hak_text_add(text, ", %s of blocks that lie in another thread's SuperSlab",
                     hak_words_count(sum.remote_frees, "free", "frees"));
    hak_text_add(text, ". ");
    view_add_completeness(text, all->view);
    hak_text_add(text, "\n");
}

/* Adds the stack at which the thread was created, below its line. */
static void add_origin(struct table *table, struct view *view, const struct thread *t) {
    enum { INDENT = 6 };
    struct hak_text lines = {0};
    if (view->json || !view_given(view, "stacks") ||
        (t->origin.creator == 0 && t->origin.stack == 0))
        return;
    hak_text_fill(&lines, ' ', INDENT);
    hak_text_add(&lines, "created");
    if (t->origin.creator != 0)
        hak_text_add(&lines, " by thread %s", hak_words_number(t->origin.creator));
    hak_text_add(&lines, " at:\n");
    view_add_stack(&lines, view, t->origin.stack, INDENT);
    table_add_below(table, &lines);
}

/* The thread's last event and its time. */
static void add_last(struct hak_text *text, const struct thread *t) {
    if (t->did.events)
        hak_text_add(text, "%s, %s", hak_words_number(t->did.last_event),
                     hak_words_time(t->did.last_ns));
    else
        hak_text_add(text, "none");
}

/* A row, with --stacks where the thread was created. */
static void add_thread_row(struct answer *answer, const struct threads *all,
                           const struct thread *t) {
    struct view *view = all->view;
    const struct hak_store_summary *summary = &view->summary;
    struct hak_thread_words words;
    bool with_stacks = view_given(view, "stacks");
    hak_lookup_thread(view->reader, t->row, &words);
    /* Columns that say nothing (one process; nothing lost) are left out. */
    answer_row(
        answer, DATA(NUMBER("id", t->row)), DATA(NUMBER("process", t->process)),
        DATA(NUMBER("pid", hak_lookup_pid(view->reader, t->process))),
        MADE(summary->processes > 1 ? "<process" : NULL, view_add_process, view, t->process),
        MADE("<thread", hak_text_add, "%u%s%s (%d)", t->number, words.name[0] ? " " : "",
             words.name, t->tid),
        DATA(NUMBER("number", t->number)), DATA(NUMBER("tid", t->tid)),
        DATA(TEXT("name", words.name)), UNIT("start", hak_words_time, "start_ns", t->start_ns),
        UNLESS("end", hak_words_time, "end_ns", t->end_ns,
               summary->being_written ? "lives" : "not seen"),
        DATA(KNOWN("created_by", t->origin.creator, t->origin.creator)),
        DATA_IF(with_stacks, "created_at", hak_json_stack(view->reader, t->origin.stack)),
        DATA(NUMBER("events", t->did.events)), AMOUNT("mallocs", "mallocs", t->did.mallocs),
        AMOUNT("frees", "frees", t->did.frees), AMOUNT("reallocs", "reallocs", t->did.reallocs),
        UNIT("asked", hak_words_size, "asked_bytes", t->did.asked_bytes),
        AMOUNT("remote", "remote_frees", t->did.remote_frees),
        AMOUNT(summary->lost_events > 0 ? "lost" : NULL, "lost_events", t->lost),
        DATA(KNOWN("last_event", t->did.events, t->did.last_event)),
        DATA(KNOWN("last_ns", t->did.events, t->did.last_ns)), MADE("last event", add_last, t));
    add_origin(&answer->table, view, t);
}

/* Prints table and sums, or JSON. False, and said. */
static bool print_threads(const struct threads *all) {
    struct answer answer = answer_begin(all->view, all->view->json);
    struct hak_text text = {0};
    for (uint32_t i = 0; i < all->count; i++)
        add_thread_row(&answer, all, &all->list[i]);
    if (answer.list)
        return view_print_document(
            all->view, hak_json_set(view_json_document(all->view), JSON("threads", answer.list)));
    answer_print(&text, &answer);
    add_sum(&text, all);
    return view_print(&text);
}

int command_threads(struct view *view) {
    struct threads all = {.view = view};
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_choose_process(view, &all.process))
        return view_question_status();
    status = load_threads(&all) ? 0 : VIEW_UNREADABLE;
    if (status == 0 && !sort(&all)) /* refuse a wrong --sort before the long read */
        status = VIEW_USAGE;
    if (status == 0)
        status = add_tallies(&all);
    if (status == 0) {
        sort(&all);
        view_start_pager(view);
        if (all.count == 0 && !view->json)
            view_say_none(view, "thread", all.process);
        else if (!print_threads(&all))
            status = VIEW_UNREADABLE;
    }
    free(all.list);
    return status != 0 ? status : view_completeness(view);
}

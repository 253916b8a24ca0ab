/* The answer of `replay`: a row for each allocator, memory at steps of the play, and what was
 * played. CPU, faults, memory and times of calls are less what the player needs without calls; the
 * time of the whole play and that of its steps have the player's share. */
#include "viewer/replay/runs.h"

#include <jansson.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/html/html.h"

enum { ROWS = 10 }; /* of the steps, in text */

static uint64_t above(uint64_t value, uint64_t own) {
    return value > own ? value - own : 0;
}

/* ---- one run ------------------------------------------------------------------------------------
 */

/* The ticks that so many of a million calls do not exceed. */
static uint64_t ticks_of(const struct play_result *r, uint64_t millionths) {
    uint64_t due = (uint64_t)((unsigned __int128)r->calls * millionths / 1000000), sum = 0;
    for (unsigned i = 0; i < PLAY_TIMES; i++) {
        sum += r->times[i];
        if (sum > due)
            return play_time_most(i);
    }
    return r->most_ticks;
}

static uint64_t ns_of(const struct play_result *r, uint64_t ticks) {
    return r->ticks ? (uint64_t)((unsigned __int128)ticks * r->wall_ns / r->ticks) : 0;
}

/* The time of a call at that place in the order, less what the clock takes. */
static uint64_t time_of(const struct runs *runs, const struct run *run, uint64_t millionths) {
    uint64_t most = run->result->most_ticks, ticks = ticks_of(run->result, millionths);
    uint64_t clock = ticks_of(runs->own.result, 500000);
    return ns_of(run->result, above(ticks < most ? ticks : most, clock));
}

static uint64_t cpu_of(const struct runs *runs, const struct run *run) {
    return above(run->result->cpu_ns, runs->own.result->cpu_ns);
}

/* The time in the calls, of all threads. */
static uint64_t call_time_of(const struct runs *runs, const struct run *run) {
    return above(ns_of(run->result, run->result->call_ticks),
                 ns_of(runs->own.result, runs->own.result->call_ticks));
}

static uint64_t mean_of(const struct play_result *r) {
    return r->looks ? r->sum_anonymous / r->looks : r->peak_anonymous;
}

/* At most the peak: each of them is less its own share of the player's. */
static uint64_t mean_above(const struct runs *runs, const struct run *run) {
    uint64_t mean = above(mean_of(run->result), mean_of(runs->own.result));
    uint64_t peak = above(run->result->peak_anonymous, runs->own.result->peak_anonymous);
    return mean < peak ? mean : peak;
}

static uint64_t peak_of(const struct runs *runs, const struct run *run) {
    return above(run->result->peak_anonymous, runs->own.result->peak_anonymous);
}

/* The resident bytes at a step. */
static uint64_t resident_of(const struct runs *runs, const struct run *run, unsigned step) {
    return above(run->result->step[step].anonymous_bytes,
                 runs->own.result->step[step].anonymous_bytes);
}

/* The last step that was taken; 0: none was. */
static unsigned last_step(const struct runs *runs) {
    unsigned last = 0;
    for (unsigned i = 1; i < PLAY_STEPS_MAX; i++)
        if (runs->own.result->step[i].calls)
            last = i;
    return last;
}

static json_t *steps_json(const struct runs *runs, const struct run *run) {
    json_t *list = json_array();
    for (unsigned i = 1; i < PLAY_STEPS_MAX; i++) {
        const struct play_step *s = &run->result->step[i];
        if (s->calls)
            json_array_append_new(
                list, hak_json_object(NUMBER("calls", s->calls), NUMBER("ns", s->ns),
                                      NUMBER("live_bytes", s->live_bytes),
                                      NUMBER("resident_bytes", resident_of(runs, run, i))));
    }
    return list;
}

/* How many times the bytes that were live at the peak the resident ones are. */
static void add_ratio(struct hak_text *text, uint64_t bytes, uint64_t live) {
    if (live)
        hak_text_add(text, "%.2f", (double)bytes / (double)live);
}

/* ---- tables -------------------------------------------------------------------------------------
 */

static struct answer runs_of(struct runs *runs, bool is_list) {
    struct answer answer = answer_begin(runs->view, is_list);
    for (int i = 0; i < runs->count; i++) {
        const struct run *run = &runs->run[i];
        const struct play_result *r = run->result, *own = runs->own.result;
        if (run->trouble[0])
            continue;
        uint64_t peak = peak_of(runs, run);
        answer_row(&answer, STRING("<allocator", "allocator", run->allocator.name),
                   DATA(TEXT("library", r->module)),
                   UNIT("time", hak_words_ago, "wall_ns", r->wall_ns),
                   UNIT("CPU", hak_words_ago, "cpu_ns", cpu_of(runs, run)),
                   UNIT("in calls", hak_words_ago, "call_ns", call_time_of(runs, run)),
                   UNIT("peak RSS", hak_words_size, "peak_bytes", peak),
                   MADE("of live", add_ratio, peak, runs->plan->peak_live_bytes),
                   UNIT("mean RSS", hak_words_size, "mean_bytes", mean_above(runs, run)),
                   AMOUNT("faults", "minor_faults", above(r->minor_faults, own->minor_faults)),
                   DATA(NUMBER("major_faults", above(r->major_faults, own->major_faults))),
                   UNIT("p50", view_span, "p50_ns", time_of(runs, run, 500000)),
                   UNIT("p99", view_span, "p99_ns", time_of(runs, run, 990000)),
                   UNIT("p99.99", view_span, "p99_99_ns", time_of(runs, run, 999900)),
                   UNIT("max", view_span, "most_ns", time_of(runs, run, 1000000)),
                   DATA(NUMBER("failed", r->failed)), DATA(NUMBER("damaged", r->damaged)),
                   DATA(NUMBER("end_live_bytes", r->end_live_bytes)),
                   DATA(NUMBER("end_live_blocks", r->end_live_blocks)),
                   DATA(NUMBER("calls", r->calls)), DATA_OF("steps", steps_json(runs, run)));
    }
    return answer;
}

/* Adds the names of the allocators that were played, with bars between. A bar in the name of a
 * library is no end of a column. */
static void add_names(struct hak_text *text, const struct runs *runs) {
    for (int i = 0; i < runs->count; i++) {
        if (runs->run[i].trouble[0])
            continue;
        hak_text_add(text, "%s", text->length ? "|" : "");
        for (const char *at = runs->run[i].allocator.name; *at;) {
            size_t bytes = strcspn(at, "|");
            hak_text_add(text, "%.*s%s", (int)bytes, at, at[bytes] ? "\\x7c" : "");
            at += bytes + (at[bytes] != '\0');
        }
    }
}

/* Adds what each of them has resident at a step. */
static void add_residents(struct hak_text *text, const struct runs *runs, unsigned step) {
    const char *between = "";
    for (int i = 0; i < runs->count; i++) {
        if (runs->run[i].trouble[0])
            continue;
        hak_text_add(text, "%s%s", between, hak_words_size(resident_of(runs, &runs->run[i], step)));
        between = "|";
    }
}

/* Adds a row for each tenth of the calls: what is live, and what is resident. */
static void add_steps(struct hak_text *text, struct runs *runs) {
    struct answer answer = answer_begin(runs->view, false);
    struct hak_text names = {0};
    unsigned last = last_step(runs), rows = last < ROWS ? last : ROWS;
    add_names(&names, runs);
    for (unsigned i = 1; i <= rows; i++) {
        unsigned step = last * i / rows;
        const struct play_step *s = &runs->own.result->step[step];
        answer_row(&answer, FIGURE("after calls", hak_words_number, s->calls),
                   FIGURE("live", hak_words_size, s->live_bytes),
                   MADE(hak_text_string(&names), add_residents, runs, step));
    }
    if (rows)
        hak_text_add(text, "\nRSS\n");
    answer_print(text, &answer);
    hak_text_free(&names);
}

/* ---- what was played ----------------------------------------------------------------------------
 */

/* Adds that something is not in the figures, or not as it was. */
static void add_left_out(struct hak_text *text, uint64_t count, const char *one, const char *many) {
    if (count)
        hak_text_add(text, " %s.", hak_words_count(count, one, many));
}

static void add_damage(struct hak_text *text, const struct runs *runs) {
    for (int i = 0; i < runs->count; i++) {
        const struct run *run = &runs->run[i];
        if (run->trouble[0])
            continue;
        if (run->result->damaged)
            hak_text_add(text, "%s: %s whose first word was changed while the program had it.\n",
                         run->allocator.name,
                         hak_words_count(run->result->damaged, "block", "blocks"));
        if (run->result->failed)
            hak_text_add(
                text, "%s: %s.\n", run->allocator.name,
                hak_words_count(run->result->failed, "call got no memory", "calls got no memory"));
    }
}

static void add_footer(struct hak_text *text, struct runs *runs) {
    const struct plan *p = runs->plan;
    hak_text_add(text, "\n%s by %s, %s between threads, at most %s live in %s, of ",
                 hak_words_count(p->head.calls, "call", "calls"),
                 hak_words_count(p->head.threads, "thread", "threads"),
                 hak_words_count(p->handed, "block handed", "blocks handed"),
                 hak_words_size(p->peak_live_bytes),
                 hak_words_count(p->peak_live_blocks, "block", "blocks"));
    view_add_extent_of(text, runs->view, p->process);
    hak_text_add(text, ", from %s to %s. Play file: %s.", hak_words_time(p->first_ns),
                 hak_words_time(p->last_ns), hak_words_size(p->streams.bytes));
    if (runs->has_picture)
        hak_text_add(text, " Picture: %s.", view_value(runs->view, "html"));
    add_left_out(text, p->left_out, "call on a block whose allocation or end is not in it",
                 "calls on blocks whose allocations or ends are not in it");
    add_left_out(text, p->late, "call of a thread after its end is made by another thread",
                 "calls of threads after their ends are made by another thread");
    add_left_out(text, p->pieces, "guarded piece of the program's own pools is left out",
                 "guarded pieces of the program's own pools are left out");
    add_left_out(text, p->wrong, "wrong call is left out", "wrong calls are left out");
    hak_text_add(text, " ");
    view_add_completeness(text, runs->view);
    hak_text_add(text, "\n");
}

static json_t *troubles_json(const struct runs *runs) {
    json_t *list = json_array();
    for (int i = 0; i < runs->count; i++)
        if (runs->run[i].trouble[0])
            json_array_append_new(list,
                                  hak_json_object(TEXT("allocator", runs->run[i].allocator.name),
                                                  TEXT("reason", runs->run[i].trouble)));
    return list;
}

/* The document of --json, which is the data of --html, too. */
static json_t *make_document(struct runs *runs) {
    static const char *const touches[] = {"nothing", "first", "pages", "all"};
    const struct plan *p = runs->plan;
    json_t *document = view_json_document(runs->view);
    hak_json_set(document, NUMBER("process", p->process), NUMBER("threads", p->head.threads),
                 NUMBER("calls", p->head.calls), NUMBER("mallocs", p->taken),
                 NUMBER("aligned", p->aligned), NUMBER("reallocs", p->reallocs),
                 NUMBER("frees", p->frees), NUMBER("handed_over", p->handed),
                 NUMBER("waits", p->waits), NUMBER("left_out", p->left_out),
                 NUMBER("pieces", p->pieces), NUMBER("wrong", p->wrong), NUMBER("late", p->late));
    hak_json_set(
        document, NUMBER("from_ns", p->first_ns), NUMBER("to_ns", p->last_ns),
        NUMBER("peak_live_bytes", p->peak_live_bytes),
        NUMBER("peak_live_blocks", p->peak_live_blocks),
        NUMBER("end_live_bytes", p->end_live_bytes), NUMBER("end_live_blocks", p->end_live_blocks),
        NUMBER("play_bytes", p->streams.bytes), WORD("speed", runs->is_paced ? "recorded" : "full"),
        WORD("touch", touches[runs->touch]), JSON("runs", runs_of(runs, true).list),
        JSON("not_played", troubles_json(runs)));
    return document;
}

/* Writes the page of --html. 0, or an exit status: the error is printed. */
static int write_page(struct runs *runs, const char *file) {
    json_t *document = make_document(runs);
    int status =
        html_write_page(&(struct html_page){html_replay_page, html_style, html_replay_script},
                        document, file, NULL);
    json_decref(document);
    return status;
}

/* A page that cannot be written ends the command with its status behind the whole answer. */
int replay_print(struct runs *runs) {
    struct hak_text text = {0};
    const char *file = view_value(runs->view, "html");
    int status = file ? write_page(runs, file) : 0;
    runs->has_picture = file && status == 0;
    if (file && strcmp(file, "-") == 0)
        return status;
    view_start_pager(runs->view);
    if (runs->view->json)
        return view_print_document(runs->view, make_document(runs)) ? status : VIEW_UNREADABLE;
    struct answer answer = runs_of(runs, false);
    answer_print(&text, &answer);
    add_steps(&text, runs);
    add_footer(&text, runs);
    add_damage(&text, runs);
    return view_print(&text) ? status : VIEW_UNREADABLE;
}

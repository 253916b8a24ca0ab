/* Reads the capture for the pages. */
#include "viewer/view/data.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "store/history/history.h"

#define STEPS         500     /* of the timeline */
#define BLOCKS_MAX    1000000 /* kept of one stack */
#define ITEMS_A_LOOK  256     /* at the keyboard */
#define BLOCKS_A_LOOK 1024

static int out_of_memory(void) {
    view_error("out of memory");
    return VIEW_USAGE;
}

static bool is_stopped(const struct data *data) {
    return data->is_stopped && data->is_stopped(data->context);
}

/* ---- items -------------------------------------------------------------------------------------
 */

static void take_item(void *context, const struct profile_item *item) {
    struct data *d = context;
    if (hak_growing_make_room(&d->item, d->items, &d->item_room, sizeof *d->item))
        d->item[d->items++] = *item;
    else
        d->places.failed = true;
}

static bool is_nothing(const struct profile_sums *s) {
    return !s->live.blocks && !s->came.blocks && !s->came.bytes && !s->went.blocks &&
           !s->went.bytes && !s->before.blocks;
}

static void add_up_steps(struct data *d) {
    const struct timeline *t = &d->timeline;
    uint32_t first = d->is_span ? (uint32_t)(d->from.step + 1) : 0;
    timeline_add_up(t, first, d->at.step, d->sums);
    for (uint32_t i = 0; i < t->flow.rows; i++) {
        const struct timeline_sums *s = &d->sums[i];
        struct profile_item item = {.process = t->flow.row[i].process,
                                    .stack = t->flow.row[i].stack,
                                    .class_index = 255,
                                    .sums = {s->live, s->came, s->went, s->brief, s->before}};
        if (!is_nothing(&item.sums))
            take_item(d, &item);
    }
}

/* A moment that is no step's end: the store is asked, as `top` does. */
static int ask_store(struct data *d) {
    struct profile_query query = d->query;
    struct profile_facts facts;
    query.is_span = true;
    query.per = PROFILE_STACK;
    query.from = d->is_span ? d->from.at : (struct view_moment){.kind = VIEW_AT_START};
    query.at = d->at.at;
    return profile_gather(&query, &facts, take_item, d);
}

static int add_up(struct data *d) {
    struct profile_item *old = d->item;
    uint32_t old_items = d->items, old_room = d->item_room;
    int status = 0;
    d->item = NULL;
    d->items = d->item_room = 0;
    if (d->at.is_event || (d->is_span && d->from.is_event))
        status = ask_store(d);
    else
        add_up_steps(d);
    if (status != 0) {
        free(d->item);
        d->item = old;
        d->items = old_items;
        d->item_room = old_room;
        return status;
    }
    free(old);
    return d->places.failed ? out_of_memory() : 0;
}

/* ---- moments -----------------------------------------------------------------------------------
 */

uint64_t data_time(const struct data *d, const struct data_moment *m) {
    if (m->is_event)
        return m->at.kind == VIEW_AT_END ? d->view->summary.last_ns : m->at.ns;
    return m->step < 0 ? d->timeline.flow.from_ns : d->timeline.step[m->step].ns;
}

void data_add_moment(struct hak_text *text, const struct data *d, const struct data_moment *m) {
    view_add_moment(text, d->view, &m->at);
    if (m->at.kind == VIEW_AT_PEAK)
        hak_text_add(text, ", %s (event %s)", hak_words_time(m->at.ns),
                     hak_words_number(m->at.event));
}

static struct data_moment moment_of_step(const struct data *d, int64_t step) {
    const struct timeline *t = &d->timeline;
    struct data_moment m = {.step = step, .at = {.kind = VIEW_AT_START}};
    if (step < 0)
        return m;
    m.at = (struct view_moment){
        .kind = VIEW_AT_EVENT, .event = t->step[step].event, .ns = t->step[step].ns};
    if (step == (int64_t)t->steps - 1)
        m.at = (struct view_moment){.kind = VIEW_AT_END};
    else if (step == t->peak_step)
        m.at.kind = VIEW_AT_PEAK;
    return m;
}

static int choose(struct data *d, const struct data_moment *m) {
    struct data_moment before = d->at;
    d->at = *m;
    if (d->is_span &&
        (d->at.at.kind == VIEW_AT_START || data_time(d, &d->at) < data_time(d, &d->from)))
        d->from = *m; /* the span begins no later than it ends */
    int status = add_up(d);
    if (status != 0)
        d->at = before;
    return status;
}

int data_choose_step(struct data *d, int64_t step) {
    int64_t last = (int64_t)d->timeline.steps - 1;
    step = step < -1 ? -1 : step > last ? last : step;
    d->follow = step == last ? DATA_FOLLOWS_END : DATA_FOLLOWS_NOTHING;
    struct data_moment m = moment_of_step(d, step);
    return choose(d, &m);
}

int data_choose_peak(struct data *d) {
    struct data_moment m = moment_of_step(d, d->timeline.peak_step);
    if (m.step >= 0) /* where it is the end, too */
        m.at = (struct view_moment){.kind = VIEW_AT_PEAK,
                                    .event = d->timeline.step[m.step].event,
                                    .ns = d->timeline.step[m.step].ns};
    d->follow = DATA_FOLLOWS_PEAK;
    return choose(d, &m);
}

int data_choose_moment(struct data *d, const struct view_moment *at) {
    if (at->kind == VIEW_AT_PEAK)
        return data_choose_peak(d);
    if (at->kind == VIEW_AT_START)
        return data_choose_step(d, -1);
    if (at->kind == VIEW_AT_END)
        return data_choose_step(d, (int64_t)d->timeline.steps - 1);
    int64_t step = -1;
    for (; step + 1 < (int64_t)d->timeline.steps; step++)
        if (d->timeline.step[step + 1].event > at->event)
            break;
    if (step >= 0 && d->timeline.step[step].event == at->event && !at->name[0])
        return data_choose_step(d, step);
    struct data_moment m = {.step = step, .is_event = true, .at = *at};
    d->follow = DATA_FOLLOWS_NOTHING;
    return choose(d, &m);
}

int data_set_span(struct data *d, bool is_span) {
    struct data_moment from = d->from;
    bool was_span = d->is_span;
    d->is_span = is_span;
    d->from = d->at;
    int status = add_up(d);
    if (status != 0) {
        d->is_span = was_span;
        d->from = from;
    }
    return status;
}

/* ---- what is read ------------------------------------------------------------------------------
 */

/* The labels anew: for another filter, and where names have come meanwhile. */
static void forget_places(struct data *d) {
    profile_free_places(&d->places);
    d->places = (struct profile_places){.view = d->view,
                                        .shows_all = d->query.shows_all,
                                        .focus = d->query.has_focus ? &d->query.focus : NULL,
                                        .ignore = d->query.has_ignore ? &d->query.ignore : NULL};
}

static int read_timeline(struct data *d) {
    struct timeline_query query = {
        .process = d->query.process, .brief_calls = d->query.brief_calls, .steps = STEPS};
    struct timeline timeline = {0};
    uint64_t begin = view_now_ns();
    int error = timeline_read(d->view->reader, &query, &timeline);
    uint32_t rows = timeline.flow.rows;
    struct timeline_sums *sums = error ? NULL : calloc(rows ? rows : 1, sizeof *sums);
    if (error || !sums) {
        timeline_free(&timeline);
        return error ? view_store_error(d->view, error) : out_of_memory();
    }
    timeline_free(&d->timeline);
    free(d->sums);
    d->timeline = timeline;
    d->sums = sums;
    d->read_ns = view_now_ns() - begin;
    return 0;
}

static void free_marks(struct data *d) {
    for (uint32_t i = 0; i < d->marks; i++)
        free(d->mark[i].name);
    d->marks = 0;
}

static int read_marks(struct data *d) {
    struct hak_query q = hak_ask(hak_store_database(d->view->reader),
                                 "SELECT event, ns, name FROM mark"
                                 " WHERE ?1 = 0 OR process = ?1 ORDER BY event",
                                 "reading marks", d->query.process);
    bool has_memory = true;
    free_marks(d);
    while (has_memory && hak_query_next(&q)) {
        char *name = strdup(hak_query_text(&q, 2));
        has_memory =
            name && hak_growing_make_room(&d->mark, d->marks, &d->mark_room, sizeof *d->mark);
        if (has_memory)
            d->mark[d->marks++] = (struct data_mark){
                .event = hak_query_count(&q, 0), .ns = hak_query_count(&q, 1), .name = name};
        else
            free(name);
    }
    return view_end_query(d->view, &q, has_memory);
}

static int read_findings(struct data *d) {
    struct findings findings;
    if (!findings_gather(d->view, d->query.process, &findings))
        return VIEW_UNREADABLE;
    findings_free(&d->findings);
    d->findings = findings;
    return 0;
}

static int read_all(struct data *d) {
    int status = read_timeline(d);
    if (status == 0)
        status = read_marks(d);
    return status ? status : read_findings(d);
}

/* Changes with each commit of somebody else. */
static uint64_t data_version(const struct data *d) {
    return hak_database_number(hak_store_database(d->view->reader), "PRAGMA data_version", 0);
}

int data_open(struct data *d, struct view *view) {
    d->view = view;
    d->query = (struct profile_query){
        .per = PROFILE_FUNCTION,
        .by = PROFILE_BYTES,
        .at = {.kind = view->summary.being_written ? VIEW_AT_END : VIEW_AT_PEAK}};
    if (!profile_read_query(view, &d->query))
        return view_question_status();
    if (d->query.has_focus)
        d->filter = strdup(view_value(view, "focus"));
    struct view_moment at = d->query.at;
    d->version = data_version(d);
    forget_places(d);
    int status = read_all(d);
    return status ? status : data_choose_moment(d, &at);
}

void data_free(struct data *d) {
    timeline_free(&d->timeline);
    free(d->sums);
    free(d->item);
    free_marks(d);
    free(d->mark);
    free(d->filter);
    findings_free(&d->findings);
    profile_free_places(&d->places);
    profile_free_query(&d->query);
}

/* A moment that is not followed stays the same event, wherever the steps end now. */
static void keep_moment(const struct data *d, struct data_moment *m) {
    if (m->at.kind == VIEW_AT_START)
        return;
    if (!m->is_event && m->at.kind != VIEW_AT_EVENT)
        m->at.kind = VIEW_AT_EVENT; /* what was the peak, or the end */
    m->is_event = true;
    m->step = -1;
    while (m->step + 1 < (int64_t)d->timeline.steps &&
           d->timeline.step[m->step + 1].event <= m->at.event)
        m->step++;
}

/* The event of the end, before there is more behind it. */
static void pin_moment(const struct data *d, struct data_moment *m) {
    if (m->at.kind != VIEW_AT_END || m->is_event || m->step < 0)
        return;
    m->at.event = d->timeline.step[m->step].event;
    m->at.ns = d->timeline.step[m->step].ns;
}

int data_refresh(struct data *d, bool *is_new) {
    struct view *view = d->view;
    uint64_t before = view->summary.events;
    uint64_t faults = view->summary.faults;
    bool was_written = view->summary.being_written;
    uint64_t version = data_version(d);
    bool has_names = version != d->version; /* of code that was seen before, it may be */
    *is_new = false;
    int status = view_look_again(view);
    if (status != 0)
        return status;
    d->version = version;
    d->new_events = 0;
    if (has_names)
        forget_places(d);
    *is_new = view->summary.events != before || view->summary.faults != faults ||
              view->summary.being_written != was_written;
    if (!*is_new) {
        *is_new = has_names;
        return 0;
    }
    d->new_events = view->summary.events - before;
    pin_moment(d, &d->at);
    pin_moment(d, &d->from);
    status = read_all(d);
    if (status != 0)
        return status;
    forget_places(d);
    if (d->is_span)
        keep_moment(d, &d->from);
    if (d->follow == DATA_FOLLOWS_PEAK)
        return data_choose_peak(d);
    if (d->follow == DATA_FOLLOWS_END)
        return data_choose_step(d, (int64_t)d->timeline.steps - 1);
    keep_moment(d, &d->at); /* what was counted up to it stays */
    return 0;
}

bool data_set_filter(struct data *d, const char *regex, struct hak_text *error) {
    regex_t compiled;
    if (regex[0]) {
        char message[256];
        int wrong = regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB);
        if (wrong) {
            regerror(wrong, &compiled, message, sizeof message);
            hak_text_add(error, "%s: %s", regex, message);
            return false;
        }
    }
    if (d->query.has_focus)
        regfree(&d->query.focus);
    d->query.has_focus = regex[0] != '\0';
    if (regex[0])
        d->query.focus = compiled;
    free(d->filter);
    d->filter = regex[0] ? strdup(regex) : NULL;
    forget_places(d);
    return true;
}

void data_show_all(struct data *d, bool is_all) {
    d->query.shows_all = is_all;
    forget_places(d);
}

/* ---- what is put together ----------------------------------------------------------------------
 */

static int settle(struct data *d, bool has_failed) {
    int error = d->places.error;
    if (error) {
        forget_places(d); /* they are not whole */
        return view_store_error(d->view, error);
    }
    return has_failed || d->places.failed ? out_of_memory() : 0;
}

int data_group(struct data *d, enum profile_key per, struct profile_query *query,
               struct profile_groups *groups,
               bool (*wants)(void *context, const struct profile_item *item,
                             const struct profile_path *path),
               void *context) {
    *query = d->query;
    query->per = per;
    query->is_span = true;
    *groups = (struct profile_groups){.query = query, .places = &d->places};
    for (uint32_t i = 0; i < d->items && !groups->failed; i++) {
        if (i % ITEMS_A_LOOK == 0 && is_stopped(d))
            return VIEW_INTERRUPTED;
        if (wants && (!profile_path_of(&d->places, d->item[i].stack, &groups->path) ||
                      groups->path.is_left_out || !wants(context, &d->item[i], &groups->path)))
            continue;
        profile_groups_take(groups, &d->item[i]);
    }
    if (groups->failed || d->places.failed || d->places.error)
        return settle(d, groups->failed);
    profile_groups_sort(groups);
    d->all = wants ? d->all : groups->all;
    return 0;
}

int data_make_tree(struct data *d, enum profile_key per, bool is_bottom_up,
                   struct profile_query *query, struct profile_tree *tree) {
    *query = d->query;
    query->per = per;
    query->is_tree = true;
    query->is_bottom_up = is_bottom_up;
    query->limit = 0;
    query->is_span = true;
    *tree = (struct profile_tree){.query = query, .places = &d->places};
    for (uint32_t i = 0; i < d->items && !tree->failed; i++) {
        if (i % ITEMS_A_LOOK == 0 && is_stopped(d))
            return VIEW_INTERRUPTED;
        profile_tree_take(tree, &d->item[i]);
    }
    int status = settle(d, tree->failed);
    if (status == 0 && tree->nodes)
        d->all = tree->node[0].total;
    else
        d->all = (struct profile_sums){0};
    return status;
}

static bool is_held_by(const struct data *d, uint32_t process, uint32_t stack) {
    for (uint32_t i = 0; i < d->items; i++)
        if (d->item[i].stack == stack && d->item[i].process == process)
            return d->item[i].sums.live.blocks > 0;
    return false;
}

/* The one process that holds blocks of this stack, 0 = several do. */
static uint32_t only_holder(const struct data *d, uint32_t stack) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < d->items; i++) {
        if (d->item[i].stack != stack || !d->item[i].sums.live.blocks)
            continue;
        if (found)
            return 0;
        found = d->item[i].process;
    }
    return found;
}

static bool keep_block(struct data_blocks *out, const struct hak_live_block *block) {
    if (out->count == BLOCKS_MAX) {
        out->left_out++;
        return true;
    }
    if (!hak_growing_make_room(&out->block, out->count, &out->room, sizeof *out->block))
        return false;
    out->block[out->count++] = (struct data_block){.user = block->user,
                                                   .size = block->size,
                                                   .birth = block->birth,
                                                   .ns = block->ns,
                                                   .process = block->process,
                                                   .thread = block->thread,
                                                   .stack = block->stack};
    return true;
}

int data_read_blocks(struct data *d, uint32_t stack, struct data_blocks *out) {
    struct hak_live_moment moment = {.id = d->at.at.event, .process = only_holder(d, stack)};
    struct hak_live_block block;
    struct hak_live *live = NULL;
    *out = (struct data_blocks){0};
    if (d->at.at.kind == VIEW_AT_START)
        return 0;
    if (!moment.id && d->at.step >= 0)
        moment.id = d->timeline.step[d->at.step].event; /* the end, as it was read */
    int result = hak_live_open(d->view->reader, &moment, &live);
    uint64_t seen = 0;
    while (result == 0 && (result = hak_live_next(live, &block)) == 1) {
        bool has_room =
            block.stack != stack || !is_held_by(d, block.process, stack) || keep_block(out, &block);
        result = has_room ? 0 : hak_store_no_memory(d->view->store_path);
        if (++seen % BLOCKS_A_LOOK == 0 && is_stopped(d))
            result = HAK_STORE_STOPPED;
    }
    hak_live_close(live);
    return result < 0 ? view_store_error(d->view, result) : 0;
}

uint64_t data_label_id(const struct profile_label *l) {
    uint64_t id = hak_index_hash(l->function, strlen(l->function));
    id = hak_index_mix(id, hak_index_hash(l->file, strlen(l->file)));
    id = hak_index_mix(id, hak_index_hash(l->module, strlen(l->module)));
    return hak_index_mix(id, l->offset ^ (uint64_t)l->line << 40);
}

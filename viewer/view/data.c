/* Reads the capture for the pages. */
#include "viewer/view/data.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "store/history/history.h"
#include "viewer/view/data_parts.h"

int data_out_of_memory(void) {
    view_error("out of memory");
    return VIEW_USAGE;
}

/* ---- items -------------------------------------------------------------------------------------
 */

bool data_is_stopped(const struct data *d) {
    return d->is_stopped && d->is_stopped(d->context);
}

/* Appends an item; d->places.failed where memory ends. */
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

/* Makes the items from the timeline's steps, for a moment or span that lies on steps. */
static void add_up_steps(struct data *d) {
    const struct timeline *t = &d->timeline;
    uint32_t first = d->is_span ? (uint32_t)(d->from.step + 1) : 0;
    bool has_begin = d->zooms && !d->is_span; /* what came is counted from there */
    timeline_add_up(t, first, d->at.step, d->sums);
    for (uint32_t i = 0; i < t->flow.rows; i++) {
        const struct timeline_sums *s = &d->sums[i];
        struct profile_item item = {.process = t->flow.row[i].process,
                                    .stack = t->flow.row[i].stack,
                                    .class_index = 255,
                                    .sums = {s->live, s->came, s->went, s->brief, s->before}};
        if (has_begin)
            item.sums.before = (struct hak_amount){0};
        if (!is_nothing(&item.sums))
            take_item(d, &item);
    }
    if (has_begin)
        data_visit_base(d, take_item, d);
}

/* The event of a moment that the store would have to look for, or that has moved on. */
static struct view_moment asked_moment(const struct data *d, const struct data_moment *m) {
    struct view_moment at = m->at;
    bool is_moving = at.kind == VIEW_AT_END && !m->is_event && d->view->summary.being_written;
    if (is_moving && m->step >= 0) {
        at.event = d->timeline.step[m->step].event;
        at.ns = d->timeline.step[m->step].ns;
    }
    if (at.event && (is_moving || at.kind == VIEW_AT_PEAK))
        at.kind = VIEW_AT_EVENT;
    return at;
}

void data_set_moments(const struct data *d, struct profile_query *query) {
    query->is_span = true;
    query->from =
        d->is_span ? asked_moment(d, &d->from) : (struct view_moment){.kind = VIEW_AT_START};
    query->at = asked_moment(d, &d->at);
}

/* Asks the store, as `top` does, for a moment that is no step's end; items and sums are taken up. A
 * status. */
static int ask_store(struct data *d) {
    struct profile_query query = d->query;
    struct profile_facts facts;
    query.per = PROFILE_STACK;
    data_set_moments(d, &query);
    return profile_gather(&query, &facts, take_item, d);
}

/* Appends an item without its live blocks, which another question has. */
static void take_flow(void *context, const struct profile_item *item) {
    struct profile_item came = *item;
    came.sums.live = (struct hak_amount){0};
    take_item(context, &came);
}

/* Reads the peak of a capture that keeps only the profile: its live blocks are kept; those that
 * came and went are known at the nearest end of a run. A status. */
static int ask_kept_peak(struct data *d) {
    struct profile_query query = d->query;
    struct profile_facts facts;
    query.per = PROFILE_STACK;
    query.at = (struct view_moment){.kind = VIEW_AT_PEAK};
    int status = profile_gather(&query, &facts, take_item, d);
    query.is_span = true;
    query.from = (struct view_moment){.kind = VIEW_AT_START};
    query.at = (struct view_moment){.kind = VIEW_AT_PEAK};
    return status ? status : profile_gather(&query, &facts, take_flow, d);
}

/* Makes the items of the chosen moment or span anew; on an error the old ones stay. */
static int add_up(struct data *d) {
    struct profile_item *old = d->item;
    uint32_t old_items = d->items, old_room = d->item_room;
    int status = 0;
    d->item = NULL;
    d->items = d->item_room = 0;
    if (d->is_alone && d->at.at.kind == VIEW_AT_PEAK)
        status = ask_kept_peak(d);
    else if (d->is_alone || d->at.is_event || (d->is_span && d->from.is_event))
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
    return d->places.failed ? data_out_of_memory() : 0;
}

/* ---- moments -----------------------------------------------------------------------------------
 */

uint64_t data_time(const struct data *d, const struct data_moment *m) {
    if (m->is_event)
        return m->at.kind == VIEW_AT_END ? d->view->summary.last_ns : m->at.ns;
    return m->step < 0 ? d->timeline.flow.from_ns : d->timeline.step[m->step].ns;
}

void data_add_moment(struct hak_text *text, const struct data *d, const struct data_moment *m) {
    if (m->at.is_nearest) { /* shorter than elsewhere: it is one line of the screen */
        hak_text_add(text, "at %s, %s", hak_words_time(m->at.ns),
                     d->follow == DATA_FOLLOWS_PEAK ? "nearest to the peak"
                                                    : "the nearest moment kept");
        return;
    }
    view_add_moment(text, d->view, &m->at);
    if (m->at.kind == VIEW_AT_PEAK)
        hak_text_add(text, ", %s (event %s)", hak_words_time(m->at.ns),
                     hak_words_number(m->at.event));
}

/* The moment at the end of a step, with start, end and peak named as such; -1 is the start. */
static struct data_moment moment_of_step(const struct data *d, int64_t step) {
    const struct timeline *t = &d->timeline;
    const struct data_range *zoom = d->zooms ? &d->zoom[d->zooms - 1] : NULL;
    struct data_moment m = {.step = step, .at = {.kind = VIEW_AT_START}};
    if (step < 0) {
        if (zoom && zoom->from)
            m.at = (struct view_moment){
                .kind = VIEW_AT_EVENT, .event = zoom->from, .ns = zoom->from_ns};
        return m;
    }
    m.at = (struct view_moment){
        .kind = VIEW_AT_EVENT, .event = t->step[step].event, .ns = t->step[step].ns};
    if (step == (int64_t)t->steps - 1 && (!zoom || !zoom->to))
        m.at = (struct view_moment){.kind = VIEW_AT_END};
    else if (t->step[step].event == d->peak_event && !d->is_alone)
        m.at.kind = VIEW_AT_PEAK;
    return m;
}

/* Moves to a moment, the span's begin with it if it would be later, and adds up; on an error the
 * old moment stays. */
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
    bool is_end = step == last && (!d->zooms || !d->zoom[d->zooms - 1].to);
    d->follow = is_end ? DATA_FOLLOWS_END : DATA_FOLLOWS_NOTHING;
    struct data_moment m = moment_of_step(d, step);
    return choose(d, &m);
}

/* Chooses the peak of a capture that keeps only the profile: the live blocks at the peak of all are
 * kept, too; else takes the nearest moment. */
static int choose_kept_peak(struct data *d, bool is_nearest) {
    const struct hak_flow_peak *peak = &d->timeline.flow.peak;
    struct data_moment m = {.step = d->timeline.peak_step,
                            .is_event = true,
                            .at = {.kind = VIEW_AT_PEAK, .event = peak->id, .ns = peak->ns}};
    bool is_of_all = !d->query.process || d->view->summary.processes == 1;
    int status = 0;
    if (d->is_span || is_nearest || !is_of_all || !peak->id) {
        status = view_find_peak(d->view, d->query.process, &m.at);
        status = status ? status : data_choose_moment(d, &m.at);
    } else {
        status = choose(d, &m);
    }
    d->follow = DATA_FOLLOWS_PEAK;
    return status;
}

int data_choose_peak(struct data *d) {
    if (d->zooms)
        return data_choose_step(d, d->timeline.peak_step);
    if (d->is_alone)
        return choose_kept_peak(d, false);
    struct data_moment m = moment_of_step(d, d->timeline.peak_step);
    if (m.step >= 0) /* where it is the end, too */
        m.at = (struct view_moment){.kind = VIEW_AT_PEAK,
                                    .event = d->timeline.step[m.step].event,
                                    .ns = d->timeline.step[m.step].ns};
    d->follow = DATA_FOLLOWS_PEAK;
    return choose(d, &m);
}

/* Moves `at` to the nearest end of a run, in a capture that keeps only the profile. 0, or a
 * status. */
static int find_kept(const struct data *d, struct view_moment *at) {
    struct hak_heap_end end;
    if (!d->is_alone || at->kind != VIEW_AT_EVENT)
        return 0;
    int error = hak_heap_nearest(d->view->reader, at->event, at->ns, &end);
    at->is_nearest |= !error && end.event != at->event;
    if (!error && end.event != at->event)
        at->name[0] = '\0'; /* it is not there */
    at->event = end.event;
    at->ns = end.ns;
    at->kind = end.event ? VIEW_AT_EVENT : VIEW_AT_START;
    return error ? view_store_error(d->view, error) : 0;
}

/* The last step that ends with this event, or before it. */
static int64_t step_of_event(const struct data *d, uint64_t event) {
    int64_t step = -1;
    while (step + 1 < (int64_t)d->timeline.steps && d->timeline.step[step + 1].event <= event)
        step++;
    return step;
}

/* Moves to a moment that was named in any way, to its step if it lies on one, and adds up anew. A
 * status. */
int data_choose_moment(struct data *d, const struct view_moment *chosen) {
    struct view_moment at = *chosen;
    int status = at.kind == VIEW_AT_PEAK ? 0 : find_kept(d, &at);
    if (status != 0)
        return status;
    if (at.kind == VIEW_AT_PEAK)
        return data_choose_peak(d);
    if (at.kind == VIEW_AT_START)
        return data_choose_step(d, -1);
    if (at.kind == VIEW_AT_END)
        return data_choose_step(d, (int64_t)d->timeline.steps - 1);
    int64_t step = step_of_event(d, at.event);
    if (step >= 0 && d->timeline.step[step].event == at.event && !at.name[0] && !at.is_nearest)
        return data_choose_step(d, step);
    struct data_moment m = {.step = step, .is_event = true, .at = at};
    d->follow = DATA_FOLLOWS_NOTHING;
    return choose(d, &m);
}

void data_place_moment(struct data *d, struct data_moment *m) {
    int64_t last = (int64_t)d->timeline.steps - 1;
    bool is_start = m->at.kind == VIEW_AT_START;
    bool is_begin = d->zooms && m->at.event == d->zoom[d->zooms - 1].from && !m->at.name[0];
    int64_t step = is_start || is_begin        ? -1
                   : m->at.kind == VIEW_AT_END ? last
                                               : step_of_event(d, m->at.event);
    bool is_exact = is_start || is_begin || m->at.kind == VIEW_AT_END ||
                    (step >= 0 && d->timeline.step[step].event == m->at.event && !m->at.name[0] &&
                     !m->at.is_nearest);
    if (is_exact)
        *m = moment_of_step(d, step);
    m->step = step;
    m->is_event = !is_exact;
    if (!is_exact && m->at.kind == VIEW_AT_PEAK && !d->is_alone)
        m->at.kind = VIEW_AT_EVENT;
}

int data_place_moments(struct data *d) {
    data_place_moment(d, &d->at);
    if (d->is_span)
        data_place_moment(d, &d->from);
    return add_up(d);
}

int data_set_span(struct data *d, bool is_span) {
    struct data_moment from = d->from;
    bool was_span = d->is_span;
    if (d->is_alone && is_span && d->at.at.kind == VIEW_AT_PEAK) {
        int unread = choose_kept_peak(d, true); /* a span ends where a run does */
        if (unread)
            return unread;
    }
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

/* Forgets all labels: for another filter, and where names have come meanwhile. */
void data_forget_places(struct data *d) {
    profile_free_places(&d->places);
    d->places = (struct profile_places){.view = d->view,
                                        .shows_all = d->query.shows_all,
                                        .focus = d->query.has_focus ? &d->query.focus : NULL,
                                        .ignore = d->query.has_ignore ? &d->query.ignore : NULL};
}

/* Frees the marks' names and forgets them. */
static void free_marks(struct data *d) {
    for (uint32_t i = 0; i < d->marks; i++)
        free(d->mark[i].name);
    d->marks = 0;
}

/* Reads the program's marks from the capture, of the chosen process or all. 0, or a status. */
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

/* Reads the findings; on an error the old ones stay. */
static int read_findings(struct data *d) {
    struct findings findings;
    uint64_t unreported;
    int status = view_count_unreported(d->view, d->query.process, &unreported);
    if (status && !d->damage)
        return status;
    if (!findings_gather(d->view, d->query.process, &findings))
        return VIEW_UNREADABLE;
    d->unreported = status ? 0 : unreported;
    findings_free(&d->findings);
    d->findings = findings;
    return 0;
}

/* Reads timeline, marks and findings. Of a damaged capture whose timeline was never read, that
 * before the damage. */
static int read_all(struct data *d) {
    int status = data_read_timeline(d);
    if (status == VIEW_UNREADABLE && !d->sums)
        status = data_zoom_to_readable(d);
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
    d->is_alone = hak_store_is_profile_only(view->reader);
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
    data_forget_places(d);
    int status = read_all(d);
    status = status ? status : data_choose_moment(d, &at);
    if (status == 0 && d->damage)
        data_say_damage(d);
    return status;
}

void data_say_damage(const struct data *d) {
    if (d->zooms)
        view_error("shown up to event %s: %s", hak_words_number(d->zoom[0].to), d->damage);
    else
        view_error("shown without events: %s", d->damage);
}

void data_free(struct data *d) {
    timeline_free(&d->timeline);
    free(d->sums);
    free(d->item);
    free(d->base);
    free_marks(d);
    free(d->mark);
    free(d->filter);
    free(d->damage);
    findings_free(&d->findings);
    profile_free_places(&d->places);
    profile_free_query(&d->query);
}

/* Lets a moment that is not followed stay the same event, wherever the steps end now. */
static void keep_moment(const struct data *d, struct data_moment *m) {
    if (m->at.kind == VIEW_AT_START)
        return;
    if (!m->is_event && m->at.kind != VIEW_AT_EVENT)
        m->at.kind = VIEW_AT_EVENT; /* what was the peak, or the end */
    m->is_event = true;
    m->step = step_of_event(d, m->at.event);
}

/* Makes the moment of the end its event, before there is more behind it. */
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
        data_forget_places(d);
    *is_new = view->summary.events != before || view->summary.faults != faults ||
              view->summary.being_written != was_written;
    if (!*is_new) {
        *is_new = has_names;
        return 0;
    }
    d->new_events = view->summary.events - before;
    pin_moment(d, &d->at);
    if (d->is_span)
        pin_moment(d, &d->from);
    status = read_all(d);
    if (status != 0)
        return status;
    data_forget_places(d);
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
    data_forget_places(d);
    return true;
}

void data_show_all(struct data *d, bool is_all) {
    d->query.shows_all = is_all;
    data_forget_places(d);
}

/* Moments as a person types them (start, end, peak, mark:NAME, 1.5, 50%, #EVENT), as events. */
#include "viewer/capture/capture.h"

#include <string.h>
#include "report/words/words.h"
#include "store/error.h"
#include "store/history/history.h"

static uint64_t last_event(const struct view *view) {
    return view->summary.trimmed_events + view->summary.events; /* ids have no gaps */
}

/* Finds the end of a run of the profile, which is all that is kept, nearest to an event or a time.
 * False: printed. */
static bool find_end_of_run(struct view *view, uint64_t id, uint64_t ns, struct view_moment *out) {
    struct hak_heap_end end;
    if (id > last_event(view) || (!id && ns > view->summary.last_ns)) {
        *out = (struct view_moment){.kind = VIEW_AT_END, .ns = ns, .is_beyond = true};
        return true;
    }
    int error = hak_heap_nearest(view->reader, id, ns, &end);
    if (error) {
        view_store_error(view, error);
        return false;
    }
    *out = (struct view_moment){.kind = end.event ? VIEW_AT_EVENT : VIEW_AT_START,
                                .event = end.event,
                                .ns = end.ns,
                                .is_nearest = id ? id != end.event : ns != end.ns};
    return true;
}

void view_limit_moment(const struct view *view, struct view_moment *moment) {
    bool is_behind = moment->kind == VIEW_AT_END ||
                     (moment->kind == VIEW_AT_EVENT && moment->event > view->end_event);
    if (view->end_event && is_behind)
        *moment = (struct view_moment){
            .kind = VIEW_AT_EVENT, .event = view->end_event, .ns = view->end_ns};
}

/* Whether the moment lies behind the damage before which the answer ends: it is that end then. */
static bool is_behind_damage(const struct view *view, int found, struct view_moment *out) {
    *out = (struct view_moment){.kind = VIEW_AT_END};
    view_limit_moment(view, out);
    return found == HAK_STORE_BROKEN && view->end_event;
}

/* Finds the last event before the first one that is later than `ns`. False: printed. */
static bool find_time(struct view *view, uint64_t ns, struct view_moment *out) {
    if (hak_store_is_profile_only(view->reader))
        return find_end_of_run(view, 0, ns, out);
    uint64_t event;
    int found = hak_span_find_event(view->reader, ns, &event);
    if (is_behind_damage(view, found, out))
        return true;
    if (found < 0) {
        view_store_error(view, found);
        return false;
    }
    *out = (struct view_moment){.kind = found == 0 ? VIEW_AT_END
                                        : event    ? VIEW_AT_EVENT
                                                   : VIEW_AT_START,
                                .event = event,
                                .ns = ns,
                                .is_beyond = found == 0 && ns > view->summary.last_ns};
    return true;
}

/* The moment of an event: start and end where it lies before or behind the capture. False, and
 * said. */
static bool find_event(struct view *view, uint64_t id, struct view_moment *out) {
    struct hak_event event;
    if (hak_store_is_profile_only(view->reader))
        return find_end_of_run(view, id, 0, out);
    if (id <= view->summary.trimmed_events) {
        *out = (struct view_moment){.kind = VIEW_AT_START};
        return true;
    }
    if (id > last_event(view)) {
        *out = (struct view_moment){.kind = VIEW_AT_END, .event = 0, .is_beyond = true};
        return true;
    }
    int found = hak_store_event(view->reader, id, &event);
    if (is_behind_damage(view, found, out))
        return true;
    if (found < 0) {
        view_store_error(view, found);
        return false;
    }
    *out = (struct view_moment){.kind = VIEW_AT_EVENT, .event = id, .ns = found ? event.ns : 0};
    return true;
}

bool view_read_moment(struct view *view, const char *option, const char *text,
                      struct view_moment *out) {
    static const struct {
        const char *word;
        enum view_moment_kind kind;
    } words[] = {{"start", VIEW_AT_START}, {"end", VIEW_AT_END}, {"peak", VIEW_AT_PEAK}};
    uint64_t ns = 0, id = 0;
    *out = (struct view_moment){0};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].word) == 0) {
            out->kind = words[i].kind;
            return true;
        }
    bool is_mark = strncmp(text, "mark:", 5) == 0;
    if (!view_read_when(view, option, text, &ns, &id))
        return false;
    if (!is_mark && text[0] != '#')
        return find_time(view, ns, out);
    bool is_found = find_event(view, id, out);
    if (is_mark && out->event == id) /* else it is damaged, or dropped */
        snprintf(out->name, sizeof out->name, "%s", text + 5);
    return is_found;
}

/* Finds the peak among the events that an answer ends with, as hak_span_find_peak does. */
static int find_peak_before_end(const struct view *view, uint32_t process, uint64_t *event,
                                uint64_t *ns) {
    const struct hak_flow_query query = {.to = view->end_event, .process = process};
    struct hak_flow flow = {0};
    int error = hak_flow_read(view->reader, &query, &flow);
    *event = flow.peak.id;
    *ns = flow.peak.ns;
    hak_flow_free(&flow);
    return error ? error : *event != 0;
}

int view_find_peak(struct view *view, uint32_t process, struct view_moment *out) {
    uint64_t event, ns;
    int found = view->end_event ? find_peak_before_end(view, process, &event, &ns)
                                : hak_span_find_peak(view->reader, process, &event, &ns);
    if (found < 0)
        return view_store_error(view, found);
    *out = (struct view_moment){.kind = VIEW_AT_START};
    if (found == 0)
        return 0;
    if (hak_store_is_profile_only(view->reader))
        return find_end_of_run(view, event, 0, out) ? 0 : VIEW_UNREADABLE;
    *out = (struct view_moment){.kind = VIEW_AT_PEAK, .event = event, .ns = ns};
    return 0;
}

void view_add_moment(struct hak_text *text, const struct view *view, const struct view_moment *at) {
    static const char *const places[] = {
        [VIEW_AT_START] = "before the first event", [VIEW_AT_PEAK] = "at the peak"};
    static const char nearest[] = ", the nearest moment that is kept,";
    if (at->kind == VIEW_AT_END && !at->is_beyond && view_sampled_rate(view))
        hak_text_add(text, "when it was read (%s)", hak_words_time(view->summary.last_ns));
    else if (at->kind == VIEW_AT_END && !at->is_beyond)
        hak_text_add(text, "at the end (%s)", hak_words_time(view->summary.last_ns));
    else if (at->kind == VIEW_AT_END)
        hak_text_add(text, "behind the end (event %s, %s)", hak_words_number(last_event(view)),
                     hak_words_time(view->summary.last_ns));
    else if (at->kind != VIEW_AT_EVENT)
        hak_text_add(text, "%s%s", places[at->kind], at->is_nearest ? nearest : "");
    else if (at->is_nearest)
        hak_text_add(text, "at %s (event %s)%s", hak_words_time(at->ns),
                     hak_words_number(at->event), nearest);
    else if (at->name[0])
        hak_text_add(text, "at mark \"%s\" (event %s, %s)", at->name, hak_words_number(at->event),
                     hak_words_time(at->ns));
    else
        hak_text_add(text, "at %s (event %s)", hak_words_time(at->ns), hak_words_number(at->event));
}

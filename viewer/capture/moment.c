/* Moments as a person types them (start, end, peak, mark:NAME, 1.5, 50%, #EVENT), as events. */
#include "viewer/capture/capture.h"

#include <string.h>
#include "report/words/words.h"
#include "store/history/history.h"

static uint64_t last_event(const struct view *view) {
    return view->summary.trimmed_events + view->summary.events; /* ids have no gaps */
}

static int keep_first(void *context, const struct hak_event *event) {
    *(struct hak_event *)context = *event;
    return 1;
}

/* The end of a run of the profile, which is all that is kept, nearest to an event or a time. */
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

/* The last event before the first one that is later than `ns`. */
static bool find_time(struct view *view, uint64_t ns, struct view_moment *out) {
    if (hak_store_is_profile_only(view->reader))
        return find_end_of_run(view, 0, ns, out);
    struct hak_filter later = {.class_index = -1, .ns_from = ns + 1};
    struct hak_event first = {0};
    int found = hak_store_scan(view->reader, &later, false, keep_first, &first);
    if (found < 0) {
        view_store_error(view, found);
        return false;
    }
    *out = (struct view_moment){
        .kind = VIEW_AT_END, .ns = ns, .is_beyond = ns > view->summary.last_ns};
    if (found == 0)
        return true;
    bool is_before = first.id <= view->summary.trimmed_events + 1;
    *out = (struct view_moment){.kind = is_before ? VIEW_AT_START : VIEW_AT_EVENT,
                                .event = is_before ? 0 : first.id - 1,
                                .ns = ns};
    return true;
}

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
    if (found < 0) {
        view_store_error(view, found);
        return false;
    }
    *out = (struct view_moment){.kind = VIEW_AT_EVENT, .event = id, .ns = found ? event.ns : 0};
    return true;
}

bool view_moment(struct view *view, const char *option, const char *text, struct view_moment *out) {
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
    if (!view_when(view, option, text, &ns, &id))
        return false;
    if (!is_mark && text[0] != '#')
        return find_time(view, ns, out);
    bool is_found = find_event(view, id, out);
    if (is_mark)
        snprintf(out->name, sizeof out->name, "%s", text + 5);
    return is_found;
}

/* The peak, which the stored profile may know: 1 and its event, 0 = there is none; 0 if it does
 * not; or an error. */
static int find_stored_peak(struct view *view, uint32_t process, uint64_t *event) {
    struct hak_heap heap = {0};
    struct hak_heap_peak peak;
    if (!process && view->summary.processes != 1) {
        int found = hak_heap_find_peak(view->reader, 0, 0, &peak);
        *event = peak.event;
        return found;
    }
    int result = hak_heap_read(view->reader, 0, 0, process, &heap);
    *event = result == 1 && heap.processes == 1 ? heap.process[0].peak_event : 0;
    hak_heap_free(&heap);
    return result == 1 ? *event != 0 : result;
}

/* The moment nearest to the peak. */
static int find_peak_of_profile(struct view *view, uint32_t process, struct view_moment *out) {
    struct hak_heap heap = {0};
    struct hak_heap_peak peak = {0};
    int result = process ? hak_heap_read(view->reader, 0, 0, process, &heap)
                         : hak_heap_read_peak(view->reader, &peak, &heap);
    if (process && result == 1 && heap.processes == 1)
        peak.event = heap.process[0].peak_event;
    hak_heap_free(&heap);
    if (result < 0)
        return view_store_error(view, result);
    *out = (struct view_moment){.kind = VIEW_AT_START};
    return !peak.event || find_end_of_run(view, peak.event, 0, out) ? 0 : VIEW_UNREADABLE;
}

int view_find_peak(struct view *view, uint32_t process, struct view_moment *out) {
    uint64_t event = 0;
    if (hak_store_is_profile_only(view->reader))
        return find_peak_of_profile(view, process, out);
    int result = find_stored_peak(view, process, &event);
    if (result == 0) {
        struct hak_flow flow = {0};
        struct hak_flow_query all = {.process = process};
        result = hak_flow_read(view->reader, &all, &flow);
        event = flow.peak.id;
        hak_flow_free(&flow);
    }
    if (result < 0)
        return view_store_error(view, result);
    *out = (struct view_moment){.kind = event ? VIEW_AT_PEAK : VIEW_AT_START, .event = event};
    struct hak_event at;
    result = event ? hak_store_event(view->reader, event, &at) : 0;
    out->ns = result == 1 ? at.ns : 0;
    return result < 0 ? view_store_error(view, result) : 0;
}

void view_add_moment(struct hak_text *text, const struct view *view, const struct view_moment *at) {
    static const char *const places[] = {
        [VIEW_AT_START] = "before the first event", [VIEW_AT_PEAK] = "at the peak"};
    static const char nearest[] = ", the nearest moment that is kept,";
    if (at->kind == VIEW_AT_END && !at->is_beyond)
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

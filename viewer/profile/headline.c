/* Finds the peak, its process, and the short-lived blocks, within a given time. */
#include "viewer/profile/profile.h"

#include "report/words/words.h"
#include "viewer/profile/groups.h"

#define WORTH_A_WORD 20         /* part of the peak */
#define LONG_NS      1000000000 /* a program that reads its input and ends grows all the time */

struct headline {
    struct view *view;
    uint64_t due_ns; /* reading ends then */
    const volatile sig_atomic_t *stop;
    struct profile_query query;
    struct profile_places places;
    struct profile_groups groups; /* of what was live at the peak */
    struct growth growth;
    struct profile_query grown_query;
    struct profile_groups grown; /* by function, where the timeline was read in time */
    struct hak_amount peak, came, brief;
    uint64_t peak_ns;
    uint32_t process; /* whose peak it is; 0 = of all */
    bool has_peak, has_calls;
};

/* Whether reading must stop: the user stopped it, or the headline's time is over. */
static int watch(void *context, const struct hak_progress *progress) {
    const struct headline *h = context;
    (void)progress;
    return *h->stop || view_now_ns() > h->due_ns;
}

/* Gives a stack's live blocks to the groups as an item. */
static void take_live(struct headline *h, uint32_t process, uint32_t stack,
                      struct hak_amount live) {
    const struct profile_item item = {
        .process = process, .stack = stack, .class_index = 255, .sums = {.live = live}};
    if (live.blocks || live.bytes)
        profile_groups_take(&h->groups, &item);
}

/* ---- out of the stored profile ------------------------------------------------------------------
 */

/* The process that held the most at once; NULL: there is none. */
static const struct hak_heap_process *greatest(const struct hak_heap *heap) {
    const struct hak_heap_process *most = NULL;
    for (uint32_t i = 0; i < heap->processes; i++)
        if (!most || heap->process[i].peak_bytes > most->peak_bytes)
            most = &heap->process[i];
    return most;
}

/* Reads what that process held at its peak, by stack. 1, 0 or an error. */
static int read_stored_peak(struct headline *h, const struct hak_heap_process *most) {
    struct hak_heap heap = {0};
    struct hak_event event;
    int result = hak_store_event(h->view->reader, most->peak_event, &event);
    if (result == 1)
        result = hak_heap_read(h->view->reader, 0, most->peak_event, most->process, &heap);
    for (uint32_t i = 0; i < heap.rows && result == 1; i++)
        take_live(h, heap.row[i].process, heap.row[i].stack, heap.row[i].live);
    hak_heap_free(&heap);
    if (result != 1)
        return result;
    h->peak.bytes = most->peak_bytes;
    h->peak_ns = event.ns;
    h->process = h->view->summary.processes > 1 ? most->process : 0;
    h->has_peak = true;
    return 1;
}

/* Reads the peak of all, where only the profile is kept. 1, 0 or an error. */
static int read_kept_peak(struct headline *h) {
    struct hak_heap heap = {0};
    struct hak_heap_peak peak;
    int result = hak_heap_read_peak(h->view->reader, &peak, &heap);
    for (uint32_t i = 0; i < heap.rows && result == 1; i++)
        take_live(h, heap.row[i].process, heap.row[i].stack, heap.row[i].live);
    hak_heap_free(&heap);
    h->peak.bytes = peak.bytes;
    h->peak_ns = peak.ns;
    h->has_peak = result == 1;
    return result;
}

/* Reads the headline from the stored profile. 1; 0: it is not stored; or an error. */
static int read_stored_headline(struct headline *h) {
    struct hak_heap heap = {0};
    int result = hak_heap_read(h->view->reader, 0, 0, 0, &heap);
    for (uint32_t i = 0; i < heap.rows && result == 1; i++) {
        h->came.blocks += heap.row[i].came.blocks;
        h->brief.blocks += heap.row[i].brief.blocks;
    }
    h->has_calls = result == 1;
    const struct hak_heap_process *most = greatest(&heap);
    if (result == 1 && hak_store_is_profile_only(h->view->reader))
        result = read_kept_peak(h);
    else if (result == 1 && most && most->peak_event)
        result = read_stored_peak(h, most);
    hak_heap_free(&heap);
    return result;
}

/* ---- out of the events -------------------------------------------------------------------------
 */

/* Reads the timeline of all, which shows growth. False: it takes too long, or cannot be read. */
static bool read_growth(struct headline *h) {
    const struct timeline_query query = {.steps = GROWTH_STEPS};
    if (timeline_read(h->view->reader, &query, &h->growth.timeline) != 0)
        return false;
    growth_find(&h->growth);
    profile_groups_take_growth(&h->grown, &h->growth);
    profile_groups_mark_growth(&h->grown, &h->growth);
    return true;
}

/* Takes calls, peak and each stack's share of it from a timeline that was made of events. */
static void read_headline_of_events(struct headline *h) {
    const struct hak_flow *flow = &h->growth.timeline.flow;
    if (!read_growth(h) || h->growth.timeline.is_of_runs)
        return;
    h->has_calls = h->has_peak = true;
    h->came = flow->came;
    h->brief = flow->brief;
    h->peak = flow->peak.live;
    h->peak_ns = flow->peak.ns;
    for (uint32_t i = 0; i < flow->rows; i++)
        take_live(h, flow->row[i].process, flow->row[i].stack, flow->row[i].at_peak);
}

/* ---- the line ----------------------------------------------------------------------------------
 */

static unsigned percent(uint64_t part, uint64_t whole) {
    return whole ? (unsigned)(((unsigned __int128)part * 100 + whole / 2) / whole) : 0;
}

/* Appends calls as "812 calls", "36,112 calls", "4.8 M calls" or "48 M calls". */
static void add_calls(struct hak_text *text, uint64_t calls) {
    uint64_t tenths = (calls + 50000) / 100000;
    if (calls < 1000000)
        hak_text_add(text, "%s", hak_words_count(calls, "call", "calls"));
    else if (tenths < 100)
        hak_text_add(text, "%llu.%llu M calls", (unsigned long long)tenths / 10,
                     (unsigned long long)tenths % 10);
    else
        hak_text_add(text, "%s M calls", hak_words_number((calls + 500000) / 1000000));
}

/* The first group that is the program's; where it has none, the first. NULL: there is none. */
static const struct profile_group *first_own(const struct profile_groups *g) {
    for (uint32_t i = 0; i < g->groups; i++)
        if (!g->places->label[g->group[i].key].is_runtime)
            return &g->group[i];
    return g->groups ? &g->group[0] : NULL;
}

/* Adds the peak's size, time and process, and the function with most of it. */
static void add_peak(struct hak_text *text, struct headline *h) {
    const struct profile_group *most = first_own(&h->groups);
    hak_text_add(text, "peak %s at %s", hak_words_size(h->peak.bytes), hak_words_ago(h->peak_ns));
    if (h->process) {
        hak_text_add(text, " in ");
        view_add_process(text, h->view, h->process);
    }
    if (!most)
        return;
    hak_text_add(text, ", %u %% in ", percent(most->self.live.bytes, h->peak.bytes));
    profile_add_group(text, &h->groups, most);
}

/* Adds the function that still grows, if by a part of the peak that is worth a word. */
static void add_most_grown(struct hak_text *text, struct headline *h) {
    const struct profile_group *most = first_own(&h->grown);
    int64_t bytes = most && most->goes_on ? profile_growth_bytes(&most->self) : 0;
    if (h->growth.to_ns < h->growth.timeline.flow.from_ns + LONG_NS)
        return;
    if (h->grown.failed || bytes <= 0 || (uint64_t)bytes * WORTH_A_WORD < h->peak.bytes)
        return;
    hak_text_add(text, "; still growing: ");
    profile_add_group(text, &h->grown, most);
}

/* Adds a command that finds the peak; it names the store: without -s `top` answers from the newest
 * one of its pattern here. */
static void add_top(struct hak_text *text, const struct view *view) {
    hak_text_add(text, "the peak takes longer to find: hakmem-trace top -s ");
    hak_text_add_argument(text, view_path_from_here(view->store_path));
    hak_text_add(text, " shows it");
}

/* Adds the headline: the peak (or a command that finds it), the calls and what grew most. */
static void add_line(struct hak_text *text, struct headline *h) {
    if (h->has_peak && !h->groups.failed && !h->places.failed && !h->places.error)
        add_peak(text, h);
    else
        add_top(text, h->view);
    if (!h->has_calls)
        return;
    hak_text_add(text, "; ");
    add_calls(text, h->came.blocks);
    hak_text_add(text, ", %u %% short-lived", percent(h->brief.blocks, h->came.blocks));
    add_most_grown(text, h);
}

void profile_add_headline(struct hak_text *text, struct view *view, uint64_t budget_ms,
                          const volatile sig_atomic_t *stop) {
    struct headline h = {
        .view = view,
        .due_ns = view_now_ns() + budget_ms * 1000000,
        .stop = stop,
        .query = {.view = view, .per = PROFILE_FUNCTION},
        .grown_query = {
            .view = view, .per = PROFILE_FUNCTION, .by = PROFILE_GROWTH, .is_span = true}};
    h.places.view = view;
    h.groups.query = &h.query;
    h.groups.places = &h.places;
    h.grown.query = &h.grown_query;
    h.grown.places = &h.places;
    hak_store_watch(watch, &h);
    if (read_stored_headline(&h) == 0)
        read_headline_of_events(&h);
    else if (!hak_store_is_profile_only(view->reader))
        (void)read_growth(&h);
    hak_store_watch(NULL, NULL);
    profile_groups_sort(&h.groups);
    profile_groups_sort(&h.grown);
    if (view->summary.events && (!h.has_calls || h.came.blocks))
        add_line(text, &h);
    profile_free_groups(&h.groups);
    profile_free_groups(&h.grown);
    growth_free(&h.growth);
    profile_free_places(&h.places);
}

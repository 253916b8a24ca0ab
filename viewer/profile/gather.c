/* Asks the store for the sums of a moment or of a span. */
#include "viewer/profile/query.h"

#include <stdlib.h>
#include "report/words/words.h"
#include "trace/record.h"

struct gathering {
    struct profile_query *query;
    void (*take)(void *context, const struct profile_item *item);
    void *context;
};

static bool is_by_block(const struct profile_query *q) {
    return q->per >= PROFILE_CLASS && q->per <= PROFILE_LIFETIME;
}

static bool is_by_thread(const struct profile_query *q) {
    return q->thread || q->per == PROFILE_THREAD;
}

/* Whether the thread's row is of the thread that --thread asks for; without it all are. */
static bool is_of_thread(const struct profile_query *q, uint32_t row) {
    static uint32_t asked_row;
    static struct hak_thread_words thread;
    if (!q->thread)
        return true;
    if (asked_row != row)
        hak_lookup_thread(q->view->reader, asked_row = row, &thread);
    return thread.number == q->thread;
}

/* Gives a process's stack with its sums on as an item, unless a thread or (at a moment) emptiness
 * rules it out. */
static void take_row(const struct gathering *g, const struct hak_flow_row *row,
                     const struct profile_sums *sums) {
    struct profile_item item = {.process = row->process,
                                .thread = row->thread,
                                .stack = row->stack,
                                .class_index = 255,
                                .sums = *sums};
    bool is_empty = !g->query->is_span && !sums->live.blocks;
    if (!is_empty && is_of_thread(g->query, row->thread))
        g->take(g->context, &item);
}

/* Gives one block, or a piece of this pool, on as an item; for a moment only what is live there. */
static void take_life(const struct gathering *g, const struct hak_flow_life *life, uint32_t pool) {
    struct hak_amount one = {1, life->size}, none = {0};
    bool is_old = life->is_before || life->is_inherited;
    bool has_ended = life->end_ns || life->has_left;
    if (!g->query->is_span && has_ended)
        return;
    struct profile_item item = {.process = life->process,
                                .thread = life->thread,
                                .stack = life->stack,
                                .class_index = life->class_index,
                                .pool = pool,
                                .size = life->size,
                                .is_open = !life->end_ns,
                                .has_lifetime = life->end_ns && life->is_birth_known,
                                .sums = {.live = has_ended ? none : one,
                                         .came = is_old ? none : one,
                                         .went = life->end_ns ? one : none,
                                         .brief = life->is_brief ? one : none,
                                         .before = life->is_before ? one : none}};
    if (item.has_lifetime && life->end_ns > life->birth_ns)
        item.lifetime_ns = life->end_ns - life->birth_ns;
    if (is_of_thread(g->query, life->thread))
        g->take(g->context, &item);
}

static void gather_life(void *context, const struct hak_flow_life *life) {
    take_life(context, life, 0);
}

/* Runs through the events of the question's process and threads. 0, or a status. */
static int read_flow(struct profile_query *q, struct hak_flow_query *flow_query,
                     struct hak_flow *flow) {
    flow_query->process = q->process;
    flow_query->by_thread = is_by_thread(q);
    flow_query->brief_calls = q->brief_calls;
    int error = hak_flow_read(q->view->reader, flow_query, flow);
    return error ? view_store_error(q->view, error) : 0;
}

/* ---- out of the stored profile -----------------------------------------------------------------
 * (store/history/heap.h): the same numbers without the events, where it has them. */

static bool may_be_stored(const struct profile_query *q) {
    return !is_by_block(q) && !is_by_thread(q) && !q->brief_calls;
}

/* Gives a row's sums on; for a moment only the live ones count. */
static void take_span_row(void *context, const struct hak_flow_row *row) {
    const struct gathering *g = context;
    struct profile_sums sums = {.live = row->live};
    if (g->query->is_span)
        sums = (struct profile_sums){row->live, row->came, row->went, row->brief, row->before};
    if (g->query->is_span) { /* what a child holds of its parent's did not grow */
        hak_amount_add(&sums.before, row->live);
        hak_amount_take(&sums.before, timeline_own(row->live, row->inherited));
    }
    take_row(g, row, &sums);
}

/* ---- mappings ----------------------------------------------------------------------------------
 */

struct mapping_gathering {
    const struct gathering *gathering;
    struct profile_facts *facts;
};

/* Gives a mapped range on as an item; a range that nobody may touch only counts in closed_bytes. */
static void gather_mapping(void *context, enum hak_mapped_piece what, uint32_t process,
                           const struct hak_range *range) {
    const struct mapping_gathering *m = context;
    const struct gathering *g = m->gathering;
    struct hak_amount one = {1, range->end - range->start}, none = {0};
    struct profile_item item = {.process = process,
                                .thread = range->thread,
                                .stack = range->stack,
                                .class_index = 255,
                                .size = one.bytes,
                                .is_open = true,
                                .sums = {.live = what == HAK_MAPPED_THERE ? one : none,
                                         .came = what == HAK_MAPPED_CAME ? one : none,
                                         .went = what == HAK_MAPPED_WENT ? one : none,
                                         .before = what == HAK_MAPPED_BEFORE ? one : none}};
    if (range->way & HAK_MAPPED_CLOSED)
        m->facts->closed_bytes += what == HAK_MAPPED_THERE ? one.bytes : 0;
    else if ((what == HAK_MAPPED_THERE || g->query->is_span) && is_of_thread(g->query, item.thread))
        g->take(g->context, &item);
}

/* Gathers what the program mapped itself, for top --mapped. 0, or a status. */
static int gather_mappings(const struct gathering *g, struct profile_facts *facts) {
    const struct profile_query *q = g->query;
    struct mapping_gathering m = {g, facts};
    struct hak_mapped_query query = {.from = q->is_span ? q->from.event : 0,
                                     .to = q->at.event,
                                     .process = q->process,
                                     .piece = gather_mapping,
                                     .context = &m};
    int error = hak_mapped_read(q->view->reader, &query);
    return error ? view_store_error(q->view, error) : 0;
}

/* Makes the moment the event of the peak; the start, where nothing was ever held. */
static void set_peak(struct view_moment *at, const struct hak_flow_peak *peak) {
    at->event = peak->id;
    at->ns = peak->ns;
    if (!peak->id)
        at->kind = VIEW_AT_START;
}

/* ---- pieces of the program's own pools ---------------------------------------------------------
 */

static void gather_piece(void *context, const struct hak_flow_life *life,
                         const struct hak_piece_pool *pool) {
    const struct gathering *g = context;
    take_life(g, life, profile_pool_of(&g->query->pools, g->query->view->reader, pool));
}

/* Gathers the pieces of a moment or a span, for top --pools. 0, or a status. */
static int gather_pieces(struct gathering *g, struct profile_facts *facts) {
    struct profile_query *q = g->query;
    const struct hak_piece_flow_query query = {.from = q->is_span ? q->from.event : q->at.event,
                                               .to = q->at.event,
                                               .process = q->process,
                                               .life = gather_piece,
                                               .context = g};
    struct hak_piece_flow flow;
    int error = hak_piece_flow_read(q->view->reader, &query, &flow);
    facts->unknown = q->is_span ? flow.unknown.blocks : 0;
    return error ? view_store_error(q->view, error) : 0;
}

/* Makes the moment the first event after which the most bytes of pieces were out; the start, where
 * none ever was. 0, or a status. */
static int find_peak_of_pieces(struct profile_query *q, struct view_moment *at) {
    const struct hak_piece_flow_query query = {.to = q->view->end_event, .process = q->process};
    struct hak_piece_flow flow;
    int error = hak_piece_flow_read(q->view->reader, &query, &flow);
    if (error)
        return view_store_error(q->view, error);
    set_peak(at, &flow.peak);
    return 0;
}

/* ---- moments and spans -------------------------------------------------------------------------
 */

static int gather_span(struct gathering *g, struct profile_facts *facts);

/* Gathers the peak of a capture that keeps only the profile, whose rows it has, and sets the moment
 * to it; VIEW_AT_START if there was none. 0, or a status. */
static int gather_kept_peak(struct gathering *g) {
    struct profile_query *q = g->query;
    int result =
        hak_span_read_kept_peak(q->view->reader, take_span_row, g, &q->at.event, &q->at.ns);
    if (result == 0)
        q->at.kind = VIEW_AT_START;
    return result < 0 ? view_store_error(q->view, result) : 0;
}

static bool has_runs(const struct profile_query *q) {
    return hak_database_number(hak_store_database(q->view->reader),
                               "SELECT EXISTS (SELECT 1 FROM profile_run)", 0) != 0;
}

/* Gathers the peak, by its event in the store, or from all of the log to find it; sets the moment
 * to it. 0, or a status. */
static int gather_peak(struct gathering *g, struct profile_facts *facts) {
    struct profile_query *q = g->query;
    struct hak_flow flow = {0};
    if (hak_store_is_profile_only(q->view->reader) && may_be_stored(q) &&
        (!q->process || q->view->summary.processes == 1))
        return gather_kept_peak(g);
    if (may_be_stored(q) && !q->view->end_event &&
        (q->process || q->view->summary.processes == 1 || has_runs(q))) {
        int found = view_find_peak(q->view, q->process, &q->at);
        return found || q->at.kind == VIEW_AT_START ? found : gather_span(g, facts);
    }
    struct hak_flow_query all = {.to = q->view->end_event};
    int status = read_flow(q, &all, &flow);
    if (status == 0)
        set_peak(&q->at, &flow.peak);
    for (uint32_t i = 0; i < flow.rows && status == 0; i++)
        if (flow.row[i].at_peak.blocks)
            take_row(g, &flow.row[i], &(struct profile_sums){.live = flow.row[i].at_peak});
    hak_flow_free(&flow);
    return status;
}

/* Gathers a span (or what is live at a moment): mappings, stored sums where they do, else from all
 * events. 0, or a status. */
static int gather_span(struct gathering *g, struct profile_facts *facts) {
    struct profile_query *q = g->query;
    facts->from_ns = profile_time(q, &q->from);
    facts->to_ns = profile_time(q, &q->at);
    if (q->is_mapped)
        return gather_mappings(g, facts);
    if (q->is_of_pools)
        return gather_pieces(g, facts);
    if (may_be_stored(q)) {
        const struct hak_span_query span = {q->is_span ? q->from.event : 0, q->at.event, q->process,
                                            !q->is_span};
        int error = hak_span_read(q->view->reader, &span, take_span_row, g, &facts->unknown);
        return error ? view_store_error(q->view, error) : 0;
    }
    struct hak_flow flow = {0};
    struct hak_flow_query span = {.from = q->from.event,
                                  .to = q->at.event,
                                  .life = is_by_block(q) ? gather_life : NULL,
                                  .context = g};
    if (!q->is_span)
        span.from = span.to; /* what is held there, without what came before it */
    int status = read_flow(q, &span, &flow);
    facts->unknown = flow.unknown.blocks;
    for (uint32_t i = 0; i < flow.rows && status == 0 && !is_by_block(q); i++)
        take_span_row(g, &flow.row[i]);
    hak_flow_free(&flow);
    return status;
}

/* The moment at the end of a timeline's step; -1 is the start. */
static struct view_moment moment_of_step(const struct timeline *t, int64_t step) {
    if (step < 0)
        return (struct view_moment){.kind = VIEW_AT_START};
    if (step + 1 >= (int64_t)t->steps)
        return (struct view_moment){.kind = VIEW_AT_END};
    return (struct view_moment){
        .kind = VIEW_AT_EVENT, .event = t->step[step].event, .ns = t->step[step].ns};
}

/* Finds the span that shows growth, and sets both moments to it. Where only the profile is kept it
 * stays the whole. 0, or a status. */
static int settle_growth(struct profile_query *q) {
    const struct timeline_query query = {
        .to = q->view->end_event, .process = q->process, .steps = GROWTH_STEPS};
    if (q->growth || q->is_mapped || q->is_of_pools || hak_store_is_profile_only(q->view->reader))
        return 0;
    q->growth = calloc(1, sizeof *q->growth);
    int error = q->growth ? timeline_read(q->view->reader, &query, &q->growth->timeline)
                          : hak_store_no_memory(q->view->store_path);
    if (error) {
        profile_free_growth(q);
        return view_store_error(q->view, error);
    }
    growth_find(q->growth);
    q->from = moment_of_step(&q->growth->timeline, q->growth->from);
    q->at = moment_of_step(&q->growth->timeline, q->growth->to);
    return 0;
}

static int find_peak(struct profile_query *q, struct view_moment *at) {
    return q->is_of_pools ? find_peak_of_pieces(q, at) : view_find_peak(q->view, q->process, at);
}

/* Settles the span that shows growth, if it is asked for, and makes events of moments that are the
 * peak. 0, or a status. */
static int settle_moments(struct profile_query *q) {
    int status = q->finds_growth ? settle_growth(q) : 0;
    if (status == 0 && q->at.kind == VIEW_AT_PEAK)
        status = find_peak(q, &q->at);
    if (status == 0 && q->is_span && q->from.kind == VIEW_AT_PEAK)
        status = find_peak(q, &q->from);
    return status;
}

int profile_gather(struct profile_query *q, struct profile_facts *facts,
                   void (*take)(void *context, const struct profile_item *item), void *context) {
    struct gathering g = {q, take, context};
    *facts = (struct profile_facts){0};
    view_limit_moment(q->view, &q->from);
    view_limit_moment(q->view, &q->at);
    if (!q->is_span && q->at.kind == VIEW_AT_PEAK && !is_by_block(q) && !q->is_mapped &&
        !q->is_of_pools)
        return gather_peak(&g, facts);
    int status = settle_moments(q);
    view_limit_moment(q->view, &q->at); /* of growth */
    if (status == 0 && q->is_span && q->at.event && q->at.event < q->from.event) {
        view_error("--between: the second moment comes before the first");
        return VIEW_USAGE;
    }
    bool is_empty = q->at.kind == VIEW_AT_START || /* an event 0 would be the end */
                    (q->is_span && q->at.event && q->at.event == q->from.event) ||
                    (q->is_span && q->from.kind == VIEW_AT_END);
    return status || is_empty ? status : gather_span(&g, facts);
}

/* `heap`: live bytes over time, the peaks, and what the blocks of a moment take. */
#include "viewer/profile/profile.h"

#include <jansson.h>
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/profile/columns.h"
#include "viewer/profile/held.h"
#include "trace/record.h"
#include "viewer/profile/memory.h"

#define STEPS         20
#define GROWING_MAX   3 /* functions that are named */
#define STEPS_MAX     100000
#define PROCESSES_MAX 20         /* shown of a tree */
#define IDLE_BYTES    (8u << 20) /* mapped for slots: below this the hint is not worth its line */
#define IDLE_PART     4          /* of what is mapped is less than live */

/* The memory that the blocks of a moment take. */
struct taken {
    struct hak_amount asked, slots, large; /* slots: of those below the large ones, whole */
    uint64_t in_slots;                     /* bytes asked for in them */
};

struct heap {
    struct view *view;
    struct profile_query query;
    struct hak_flow flow;
    struct taken taken;
    struct hak_amount mapped; /* by the program itself, at the moment */
    uint64_t closed_bytes;    /* so that nobody may touch it, beside these */
    struct profile_memory *memory;
    struct profile_memory_totals *step_memory, at_memory, next_memory; /* next: at the next look */
    bool has_resident; /* the kernel was asked in any step */
    uint64_t steps;
    uint64_t *step_ns; /* where the steps are those of runs: when they end */
    struct growth growth;
    struct profile_query grown_query;
    struct profile_places places;
    struct profile_groups grown; /* by function: what grew, what still grows first */
    bool has_growth;
    bool is_alone; /* only the profile is kept */
    bool is_kept;  /* blocks of an allocator that the program kept have no slots that are known */
};

/* Adds the live blocks of one size class to the sums of slots or of large blocks. */
static void add_held(void *context, uint8_t class_index, struct hak_amount held) {
    struct heap *h = context;
    uint64_t slot, bytes = held.bytes;
    unsigned band;
    struct hak_amount *sum = &h->taken.large;
    hak_amount_add(&h->taken.asked, held);
    if (hak_store_class(h->view->reader, class_index, &slot, &band)) {
        h->taken.in_slots += held.bytes;
        sum = &h->taken.slots;
        bytes = held.blocks * slot;
    }
    sum->blocks += held.blocks;
    sum->bytes += bytes;
}

/* ---- what is asked -----------------------------------------------------------------------------
 */

/* Sums the runs up in the steps of time in which they end; a step without one has what was before
 * it. False without memory. */
static bool fill_steps(struct hak_flow *f, const struct hak_heap_steps *runs, uint32_t steps) {
    uint32_t at = 0;
    struct hak_amount live = f->before;
    f->step = calloc(steps, sizeof *f->step);
    f->steps = f->step ? steps : 0;
    for (uint32_t i = 0; i < f->steps; i++) {
        struct hak_flow_step *s = &f->step[i];
        uint64_t span = f->to_ns - f->from_ns;
        uint64_t end = f->from_ns + (uint64_t)((unsigned __int128)span * (i + 1) / steps);
        s->most_bytes = s->least_bytes = live.bytes;
        for (; at < runs->steps && (runs->step[at].to_ns <= end || i + 1 == steps); at++) {
            const struct hak_heap_step *run = &runs->step[at];
            live = run->live;
            hak_amount_add(&s->came, run->came);
            hak_amount_add(&s->went, run->went);
            s->most_bytes = run->most_bytes > s->most_bytes ? run->most_bytes : s->most_bytes;
            s->most_bytes = live.bytes > s->most_bytes ? live.bytes : s->most_bytes;
            s->least_bytes = live.bytes < s->least_bytes ? live.bytes : s->least_bytes;
        }
        s->end = live;
    }
    return f->step != NULL;
}

/* Makes a step of each run of a sampled profile: what was live between the moments when it was read
 * is not known. False without memory. */
static bool fill_moments(struct heap *h, const struct hak_heap_steps *runs) {
    struct hak_flow *f = &h->flow;
    f->step = calloc((size_t)runs->steps + 1, sizeof *f->step);
    h->step_ns = calloc((size_t)runs->steps + 1, sizeof *h->step_ns);
    if (!f->step || !h->step_ns)
        return false;
    f->steps = runs->steps;
    for (uint32_t i = 0; i < runs->steps; i++) {
        const struct hak_heap_step *run = &runs->step[i];
        f->step[i] = (struct hak_flow_step){run->live.bytes, run->live.bytes, run->live, run->came,
                                            run->went};
        h->step_ns[i] = run->to_ns;
    }
    return true;
}

/* Totals and the peak of the runs. */
static void add_runs(struct hak_flow *f, const struct hak_heap_steps *runs) {
    f->peak.live = f->before;
    for (uint32_t i = 0; i < runs->steps; i++) {
        const struct hak_heap_step *run = &runs->step[i];
        hak_amount_add(&f->came, run->came);
        hak_amount_add(&f->went, run->went);
        hak_amount_add(&f->brief, run->brief);
        if (run->most_event && run->most_bytes > f->peak.live.bytes)
            f->peak = (struct hak_flow_peak){{0, run->most_bytes}, run->most_event, run->most_ns};
    }
    f->events = runs->steps ? runs->step[runs->steps - 1].last - runs->step[0].first + 1 : 0;
    f->from_ns = runs->steps ? runs->step[0].from_ns : 0;
    f->to_ns = runs->steps ? runs->step[runs->steps - 1].to_ns : 0;
}

/* Adds the bytes that each process held at its end and at its peak; the blocks of a peak are not
 * known. False without memory. */
static bool add_processes_of_profile(struct hak_flow *f, const struct hak_heap *heap) {
    f->process = calloc((size_t)heap->processes + 1, sizeof *f->process);
    for (uint32_t i = 0; i < heap->processes && f->process; i++) {
        const struct hak_heap_process *p = &heap->process[i];
        struct hak_flow_process *out = &f->process[f->processes++];
        out->process = p->process;
        out->live.bytes = p->live_bytes;
        out->peak = (struct hak_flow_peak){{0, p->peak_bytes}, p->peak_event, p->peak_ns};
        f->unknown.blocks += p->unknown_ends;
        for (uint32_t k = 0; k < heap->rows; k++)
            if (heap->row[k].process == p->process)
                out->live.blocks += heap->row[k].live.blocks;
    }
    return f->process != NULL;
}

/* Reads the timeline from the profile, where that is all that is kept. 0, or a status. */
static int read_runs(struct heap *h) {
    uint64_t from = h->query.is_span ? h->query.from.event : 0;
    uint64_t to = h->query.is_span ? h->query.at.event : 0;
    struct hak_heap_steps runs = {0};
    struct hak_heap heap = {0};
    struct hak_store_reader *r = h->view->reader;
    int error = hak_heap_read_steps(r, from, to, h->query.process, &runs);
    int result = error ? 0 : hak_heap_read(r, from, to, h->query.process, &heap);
    h->flow.before = runs.before;
    add_runs(&h->flow, &runs);
    bool has_steps = view_sampled_rate(h->view) ? fill_moments(h, &runs)
                                                : fill_steps(&h->flow, &runs, (uint32_t)h->steps);
    bool has_memory = has_steps && add_processes_of_profile(&h->flow, &heap);
    hak_heap_free_steps(&runs);
    hak_heap_free(&heap);
    if (!error && result >= 0 && !has_memory)
        error = hak_store_no_memory(h->view->store_path);
    return error || result < 0 ? view_store_error(h->view, error ? error : result) : 0;
}

/* Takes a timeline over whose steps end with runs, not after equal times, as where the profile is
 * kept beside the events. False: no memory. */
static bool take_timeline(struct heap *h, struct timeline *t) {
    struct hak_flow_step *step = calloc((size_t)t->steps + 1, sizeof *step);
    h->step_ns = calloc((size_t)t->steps + 1, sizeof *h->step_ns);
    if (!step || !h->step_ns) {
        free(step);
        return false;
    }
    for (uint32_t i = 0; i < t->steps; i++) {
        const struct timeline_step *from = &t->step[i];
        step[i] = (struct hak_flow_step){from->most_bytes, from->least_bytes, from->live, {0}, {0}};
        h->step_ns[i] = from->ns;
        for (uint32_t k = from->first; k < from->first + from->changes; k++) {
            hak_amount_add(&step[i].came, t->change[k].came);
            hak_amount_add(&step[i].went, t->change[k].went);
        }
    }
    h->flow = t->flow;
    h->flow.step = step;
    h->flow.steps = t->steps;
    t->flow = (struct hak_flow){0};
    return true;
}

/* Takes the timeline from the sums that are stored, if they are: 1; 0 if not, or an error. */
static int read_stored_heap(struct heap *h) {
    struct timeline_query query = {
        .to = h->view->end_event, .process = h->query.process, .steps = (uint32_t)h->steps};
    struct timeline t = {0};
    int result = h->query.is_span ? 0 : timeline_read_runs(h->view->reader, &query, &t);
    if (result == 1 && !take_timeline(h, &t))
        result = hak_store_no_memory(h->view->store_path);
    timeline_free(&t);
    return result;
}

/* Puts each `each` steps together into one. */
static void fold_steps(struct hak_flow *f, uint32_t each) {
    if (f->steps < each)
        return; /* there is no event */
    f->steps /= each;
    for (uint32_t i = 0; i < f->steps; i++) {
        struct hak_flow_step step = f->step[(size_t)i * each];
        for (uint32_t k = 1; k < each; k++) {
            const struct hak_flow_step *s = &f->step[(size_t)i * each + k];
            step.most_bytes = s->most_bytes > step.most_bytes ? s->most_bytes : step.most_bytes;
            step.least_bytes =
                s->least_bytes < step.least_bytes ? s->least_bytes : step.least_bytes;
            step.end = s->end;
            hak_amount_add(&step.came, s->came);
            hak_amount_add(&step.went, s->went);
        }
        f->step[i] = step;
    }
}

/* Finds growth in a timeline that has steps enough. */
static void find_growth(struct heap *h) {
    growth_find(&h->growth);
    profile_groups_take_growth(&h->grown, &h->growth);
    profile_groups_mark_growth(&h->grown, &h->growth);
    profile_groups_sort(&h->grown);
    h->has_growth = !h->grown.failed && !h->places.failed && !h->places.error;
}

/* Reads the runs once more, in the many steps that growth needs, and finds what grows. 0, or a
 * status. */
static int read_stored_growth(struct heap *h) {
    const struct timeline_query query = {
        .to = h->view->end_event, .process = h->query.process, .steps = GROWTH_STEPS};
    int result = timeline_read_runs(h->view->reader, &query, &h->growth.timeline);
    if (result == 1)
        find_growth(h);
    return result < 0 ? view_store_error(h->view, result) : 0;
}

/* Reads the timeline from what is stored or from all events and, without a span, finds the groups
 * that grow; reads only the runs where it is alone. */
static int read_timeline(struct heap *h) {
    if (h->is_alone)
        return read_runs(h);
    int stored = read_stored_heap(h);
    if (stored)
        return stored < 0 ? view_store_error(h->view, stored) : read_stored_growth(h);
    uint32_t each = (uint32_t)((GROWTH_STEPS + h->steps - 1) / h->steps);
    struct timeline_query query = {
        .to = h->view->end_event, .process = h->query.process, .steps = (uint32_t)h->steps * each};
    if (h->query.is_span) {
        query.from = h->query.from.event;
        query.to = h->query.at.event;
    }
    int error = timeline_read(h->view->reader, &query, &h->growth.timeline);
    if (error)
        return view_store_error(h->view, error);
    if (!h->query.is_span)
        find_growth(h);
    h->flow = h->growth.timeline.flow;
    h->growth.timeline.flow = (struct hak_flow){0};
    fold_steps(&h->flow, each);
    return 0;
}

/* Makes the peak an event: of a span of --between it is that of the span. */
static void settle_moment(struct heap *h) {
    struct view_moment *at = &h->query.at;
    if (h->query.is_span)
        *at = (struct view_moment){.kind = VIEW_AT_PEAK};
    if (at->kind != VIEW_AT_PEAK)
        return;
    at->event = h->flow.peak.id ? h->flow.peak.id : h->query.from.event;
    at->ns = h->flow.peak.id ? h->flow.peak.ns : h->query.from.ns;
    if (!at->event)
        at->kind = VIEW_AT_START; /* nothing was ever held */
}

/* Items of the moment, whatever they are put together by. */
static void take_item(void *context, const struct profile_item *item) {
    struct heap *h = context;
    hak_amount_add(&h->taken.asked, item->sums.live);
}

/* Reads what was live at the moment as `top` does, where only the profile is kept; of a span's peak
 * only the bytes are known. 0, or a status. */
static int read_held(struct heap *h) {
    struct profile_query q = {.view = h->view, .process = h->query.process, .at = h->query.at};
    struct profile_facts facts;
    if (h->query.is_span && q.at.kind == VIEW_AT_PEAK) {
        h->taken.asked.bytes = h->flow.peak.live.bytes; /* the peak of the span: of its rows nothing
                                                           is known */
        return 0;
    }
    int status = profile_gather(&q, &facts, take_item, h);
    if (q.at.kind == VIEW_AT_PEAK)
        h->flow.peak.live.blocks = h->taken.asked.blocks;
    h->query.at = q.at;
    return status;
}

/* Reads how much was live at the moment, by size class unless only the profile is kept; nothing at
 * the start. 0, or a status. */
static int read_taken(struct heap *h) {
    if (h->query.at.kind == VIEW_AT_START)
        return 0;
    if (h->is_alone)
        return read_held(h);
    int error =
        profile_read_held(h->view->reader, h->query.at.event, h->query.process, add_held, h);
    return error ? view_store_error(h->view, error) : 0;
}

/* When a step of the timeline ends, in ns. */
static uint64_t end_of_step(const struct heap *h, uint32_t step) {
    const struct hak_flow *f = &h->flow;
    uint64_t span = f->to_ns > f->from_ns ? f->to_ns - f->from_ns : 0;
    if (h->step_ns)
        return h->step_ns[step];
    return f->from_ns + (uint64_t)((unsigned __int128)span * (step + 1) / f->steps);
}

/* Reads the mapped and resident memory for each step and for the moment, also the look behind it.
 * 0, or a status. */
static int read_heap_memory(struct heap *h) {
    const struct view_moment *at = &h->query.at;
    int status = profile_memory_read(h->view, h->query.process, &h->memory);
    if (status)
        return status;
    h->step_memory = calloc(h->flow.steps + 1, sizeof *h->step_memory);
    if (!h->step_memory)
        return view_store_error(h->view, hak_store_no_memory(h->view->store_path));
    for (uint32_t i = 0; i < h->flow.steps; i++) {
        profile_memory_in(h->memory, i ? end_of_step(h, i - 1) : h->flow.from_ns, end_of_step(h, i),
                          &h->step_memory[i]);
        h->has_resident |= h->step_memory[i].kernel_ns != 0;
    }
    if (at->kind != VIEW_AT_START)
        profile_memory_at(h->memory,
                          at->kind == VIEW_AT_END ? MEMORY_AT_END : profile_time(&h->query, at),
                          &h->at_memory, &h->next_memory);
    return 0;
}

/* Adds a mapped range that is there at the moment to the sums. */
static void add_mapping(void *context, enum hak_mapped_piece what, uint32_t process,
                        const struct hak_range *range) {
    struct heap *h = context;
    uint64_t bytes = range->end - range->start;
    (void)process;
    if (what != HAK_MAPPED_THERE)
        return;
    if (range->way & HAK_MAPPED_CLOSED) {
        h->closed_bytes += bytes;
        return;
    }
    h->mapped.blocks++;
    h->mapped.bytes += bytes;
}

/* Reads what the program mapped itself and is there at the moment; nothing at the start or where
 * only the profile is kept. 0, or a status. */
static int read_mapped(struct heap *h) {
    struct hak_mapped_query query = {
        .to = h->query.at.event, .process = h->query.process, .piece = add_mapping, .context = h};
    if (h->query.at.kind == VIEW_AT_START || hak_store_is_profile_only(h->view->reader))
        return 0;
    int error = hak_mapped_read(h->view->reader, &query);
    return error ? view_store_error(h->view, error) : 0;
}

/* ---- for people --------------------------------------------------------------------------------
 */

/* The most that was held in any step: greater than the peak's where a span began with it. */
static uint64_t most_of_steps(const struct hak_flow *f) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < f->steps; i++)
        most = f->step[i].most_bytes > most ? f->step[i].most_bytes : most;
    return most;
}

/* The steps as rows with bars. */
static struct answer timeline_answer(const struct heap *h) {
    struct answer answer = answer_begin(h->view, h->view->json);
    uint64_t most = most_of_steps(&h->flow);
    for (uint32_t i = 0; i < h->flow.steps && (h->view->json || most || h->flow.events); i++) {
        const struct hak_flow_step *s = &h->flow.step[i];
        const struct profile_memory_totals *memory = &h->step_memory[i];
        answer_row(&answer, DATA(NUMBER("ns", end_of_step(h, i))),
                   MADE("up to", hak_text_add, "%11s", hak_words_time(end_of_step(h, i))),
                   AMOUNT("most live", "most_bytes", s->most_bytes),
                   DATA(NUMBER("least_bytes", s->least_bytes)),
                   DATA(NUMBER("live_blocks", s->end.blocks)),
                   AMOUNT("live then", "live_bytes", s->end.bytes),
                   FIGURE("blocks", hak_words_number, s->end.blocks),
                   DATA(NUMBER("allocated_blocks", s->came.blocks)),
                   FILLED("allocated", "allocated_bytes", s->came.bytes),
                   DATA(NUMBER("freed_blocks", s->went.blocks)),
                   FILLED("freed", "freed_bytes", s->went.bytes),
                   CELL(h->has_resident ? "resident" : NULL,
                        memory->kernel_ns ? hak_words_number(profile_resident(memory)) : ""),
                   FIGURE("<", answer_bar, answer_bar_width(s->most_bytes, most)),
                   DATA_OF("memory", profile_memory_json(memory, !h->is_alone)));
    }
    return answer;
}

/* Adds the steps as a table with bars. */
static void add_timeline(struct hak_text *text, const struct heap *h) {
    struct answer answer = timeline_answer(h);
    answer_print(text, &answer);
    if (most_of_steps(&h->flow) || h->flow.events)
        hak_text_add(text, "\n");
}

/* How many of the functions that grew still do, and are worth a word. */
static uint32_t count_growing(const struct heap *h) {
    uint32_t count = 0;
    while (h->has_growth && count < h->grown.groups && count < GROWING_MAX &&
           h->grown.group[count].goes_on)
        count++;
    return count;
}

/* Adds "From 0.6 s to 1.2 s, the second half of the time before the teardown, 7.8 MiB more were
 * live. Still growing: intern_label (heap/growth.c:57) by 7.8 MiB, 12.9 MiB each second." */
static void add_growing_groups(struct hak_text *text, struct heap *h) {
    uint32_t count = count_growing(h);
    int64_t all = profile_growth_bytes(&h->grown.all);
    uint64_t from_ns = h->growth.from_ns, to_ns = h->growth.to_ns;
    if (count == 0 || to_ns <= from_ns)
        return;
    hak_text_add(text, "From %s to %s, ", hak_words_time(from_ns), hak_words_time(to_ns));
    hak_text_add(
        text, "%s, live bytes %s by %s.\nStill growing: ", profile_growth_words(&h->growth),
        all < 0 ? "shrank" : "grew", hak_words_size(all < 0 ? -(uint64_t)all : (uint64_t)all));
    for (uint32_t i = 0; i < count; i++) {
        const struct profile_group *group = &h->grown.group[i];
        double bytes = (double)profile_growth_bytes(&group->self);
        hak_text_add(text, "%s", i ? ", " : "");
        profile_add_group(text, &h->grown, group);
        hak_text_add(text, " by %s", hak_words_size((uint64_t)bytes));
        if (to_ns - from_ns >= 1000000)
            hak_text_add(text, " (%s each second)",
                         hak_words_size((uint64_t)(bytes * 1e9 / (double)(to_ns - from_ns))));
    }
    hak_text_add(text, ".\n\n");
}

/* The profile has only the bytes of most peaks. */
static bool has_blocks(const struct hak_flow_peak *peak) {
    return peak->live.blocks || !peak->live.bytes;
}

/* Orders processes by their peaks, largest first. */
static int compare_processes(const void *a, const void *b) {
    const struct hak_flow_process *x = a, *y = b;
    if (x->peak.live.bytes != y->peak.live.bytes)
        return x->peak.live.bytes < y->peak.live.bytes ? 1 : -1;
    return x->process < y->process ? -1 : x->process > y->process;
}

/* A peak's event, time, blocks and bytes as JSON. */
static json_t *peak_json(const struct hak_flow_peak *peak) {
    return hak_json_object(KNOWN("event", peak->id != 0, peak->id),
                           KNOWN("ns", peak->id != 0, peak->ns),
                           KNOWN("live_blocks", has_blocks(peak), peak->live.blocks),
                           NUMBER("live_bytes", peak->live.bytes));
}

/* The processes as rows; a table has PROCESSES_MAX at most. */
static struct answer processes_answer(const struct heap *h) {
    struct answer answer = answer_begin(h->view, h->view->json);
    answer.all = h->flow.processes;
    for (uint32_t i = 0; i < answer.all && (answer.list || i < PROCESSES_MAX); i++) {
        const struct hak_flow_process *p = &h->flow.process[i];
        answer_row(
            &answer, DATA(NUMBER("process", p->process)),
            MADE("<process", view_add_process, h->view, p->process),
            DATA_OF("peak", peak_json(&p->peak)),
            FIGURE("peak", hak_words_number, p->peak.live.bytes),
            CELL("blocks", has_blocks(&p->peak) ? hak_words_number(p->peak.live.blocks) : ""),
            FIGURE("<at", hak_words_time, p->peak.id ? p->peak.ns : h->flow.from_ns),
            DATA(NUMBER("live_blocks", p->live.blocks)),
            AMOUNT("live at its end", "live_bytes", p->live.bytes),
            FIGURE("blocks", hak_words_number, p->live.blocks));
    }
    return answer;
}

/* Adds the table of processes, if there is more than one. */
static void add_processes(struct hak_text *text, const struct heap *h) {
    if (h->flow.processes < 2)
        return;
    struct answer answer = processes_answer(h);
    answer_print(text, &answer);
    if (answer.rows < answer.all)
        hak_text_add(text, "... and %s; --process shows one\n",
                     hak_words_count(answer.all - answer.rows, "more process", "more processes"));
    hak_text_add(text, "\n");
}

/* Adds a line: a name, its bytes, its blocks if any. */
static void add_taken_line(struct hak_text *text, const char *what, uint64_t bytes,
                           uint64_t blocks) {
    hak_text_add(text, "  %-40s %20s", what, hak_words_bytes(bytes));
    if (blocks)
        hak_text_add(text, "   %s", hak_words_count(blocks, "block", "blocks"));
    hak_text_add(text, "\n");
}

/* Appends the moment at which the figures below hold: the peak, the end, or a time and event. */
static void add_when(struct hak_text *text, const struct heap *h) {
    if (h->query.at.kind == VIEW_AT_PEAK)
        hak_text_add(text, "At the peak, %s (event %s)", hak_words_time(h->query.at.ns),
                     hak_words_number(h->query.at.event));
    else if (h->query.at.kind == VIEW_AT_END)
        hak_text_add(text, "At the end, %s", hak_words_time(h->view->summary.last_ns));
    else
        hak_text_add(text, "At %s (event %s)", hak_words_time(h->query.at.ns),
                     hak_words_number(h->query.at.event));
}

/* Adds when the kernel said what follows: the moment is seldom that of a look. */
static void add_look(struct hak_text *text, const struct profile_memory_totals *m,
                     const struct profile_memory_totals *next) {
    bool is_same = next->kernel_ns && next->changed_ns == m->changed_ns;
    uint64_t to_ns = is_same ? next->kernel_ns : m->kernel_ns;
    hak_text_add(text, "As the kernel said");
    if (to_ns > m->changed_ns)
        hak_text_add(text, ", unchanged from %s to %s", hak_words_time(m->changed_ns),
                     hak_words_time(to_ns));
    else
        hak_text_add(text, " at %s", hak_words_time(to_ns));
    hak_text_add(text, "%s:\n", next->kernel_ns ? "" : ", the last look that is known");
}

/* Appends what was resident at the next look behind the moment; nothing if there was none or it is
 * the one before. */
static void add_next_look(struct hak_text *text, const struct profile_memory_totals *m,
                          const struct profile_memory_totals *next) {
    if (!next->kernel_ns || next->changed_ns == m->changed_ns)
        return;
    hak_text_add(text, "At the next look, %s:\n", hak_words_time(next->kernel_ns));
    add_taken_line(text, "resident", profile_resident(next), 0);
    add_taken_line(text, "most resident so far", next->bytes[MEMORY_MOST_RESIDENT], 0);
}

/* Adds what the kernel said of resident memory, and when. */
static void add_kernel(struct hak_text *text, const struct profile_memory_totals *m,
                       const struct profile_memory_totals *next) {
    add_look(text, m, next);
    add_taken_line(text, "resident", profile_resident(m), 0);
    add_taken_line(text, "  heap, stacks, written data", m->bytes[MEMORY_ANONYMOUS], 0);
    add_taken_line(text, "  pages of mapped files", m->bytes[MEMORY_FILE], 0);
    add_taken_line(text, "  shared memory, also hakmem's record", m->bytes[MEMORY_SHARED], 0);
    if (m->bytes[MEMORY_SWAPPED])
        add_taken_line(text, "swapped out", m->bytes[MEMORY_SWAPPED], 0);
    add_taken_line(text, "most resident so far", m->bytes[MEMORY_MOST_RESIDENT], 0);
}

/* Adds the memory of the snapshots, which were taken at other times than the moment. */
static void add_memory_lines(struct hak_text *text, const struct heap *h) {
    const struct profile_memory_totals *m = &h->at_memory;
    if (m->quarantine_ns && m->bytes[MEMORY_QUARANTINE]) {
        hak_text_add(text, "As counted at %s:\n", hak_words_time(m->quarantine_ns));
        add_taken_line(text, "freed, and kept in quarantine (slots)", m->bytes[MEMORY_QUARANTINE],
                       0);
    }
    if (m->slack_ns) {
        hak_text_add(text, "As counted at %s:\n", hak_words_time(m->slack_ns));
        add_taken_line(text, "usable beyond what was asked for (slack)", m->bytes[MEMORY_SLACK], 0);
        hak_text_add(text, "  in live blocks; what the allocator holds free is in resident\n");
    }
    if (m->kernel_ns)
        add_kernel(text, m, &h->next_memory);
    add_next_look(text, m, &h->next_memory);
}

/* Adds the moment's figures: asked for, in slots, lost by rounding, large, mapped, resident. */
static void add_taken(struct hak_text *text, struct heap *h) {
    const struct taken *t = &h->taken;
    if (h->query.at.kind == VIEW_AT_START)
        return;
    add_when(text, h);
    hak_text_add(text, ":\n");
    add_taken_line(text, "the program asked for", t->asked.bytes, t->asked.blocks);
    if (!h->is_kept && !h->is_alone) {
        add_taken_line(text, "in slots of size classes", t->in_slots, t->slots.blocks);
        add_taken_line(text, "lost by rounding up to these slots", t->slots.bytes - t->in_slots, 0);
        add_taken_line(text, "mapped for slots, used or not", h->at_memory.bytes[MEMORY_SUPERSLABS],
                       0);
        add_taken_line(text, "in large blocks, pages of their own", t->large.bytes,
                       t->large.blocks);
    }
    if (h->mapped.bytes)
        add_taken_line(text, "mapped by the program itself (mmap, brk)", h->mapped.bytes, 0);
    if (h->closed_bytes)
        add_taken_line(text, "  and so that nobody may touch it", h->closed_bytes, 0);
    add_memory_lines(text, h);
    hak_text_add(text, "\n");
}

/* Whether far more was mapped for slots in a step than was live; raises *most_bytes to the step's
 * most. */
static bool is_idle(const struct heap *h, uint32_t step, uint64_t *most_bytes) {
    const struct profile_memory_totals *m = &h->step_memory[step];
    uint64_t mapped = m->bytes[MEMORY_SUPERSLABS], kept = m->bytes[MEMORY_QUARANTINE];
    uint64_t live = h->flow.step[step].most_bytes;
    *most_bytes = live > *most_bytes ? live : *most_bytes;
    mapped = mapped > kept ? mapped - kept : 0;
    return mapped > IDLE_BYTES && live < mapped / IDLE_PART;
}

/* Adds a hint where most of what is mapped for slots lies idle in all of the second half: a program
 * that frees all before it ends is no reason. */
static void add_hint(struct hak_text *text, const struct heap *h) {
    uint32_t steps = h->flow.steps, first = steps / 2;
    uint64_t most_bytes = 0;
    if (h->is_kept || h->is_alone || steps < 4)
        return;
    for (uint32_t i = first; i < steps; i++)
        if (!is_idle(h, i, &most_bytes))
            return;
    hak_text_add(text,
                 "From %s on %s were mapped for slots, and never more than %s live: see "
                 "docs/specs/top.md, Fragmentation.\n\n",
                 hak_words_time(end_of_step(h, first - 1)),
                 hak_words_size(h->step_memory[steps - 1].bytes[MEMORY_SUPERSLABS]),
                 hak_words_size(most_bytes));
}

/* The profile counts them, and not their bytes. */
static bool knows_unknown(const struct heap *h) {
    return !h->is_alone && !h->step_ns;
}

/* Adds what was allocated and freed in all, of which process, and how complete the capture is. */
static void add_heap_footer(struct hak_text *text, struct heap *h) {
    const struct hak_flow *f = &h->flow;
    uint64_t part = f->came.blocks ? f->brief.blocks * 1000 / f->came.blocks : 0;
    hak_text_add(text, "%s of %s allocated, %s of %s freed",
                 hak_words_count(f->came.blocks, "block", "blocks"), hak_words_bytes(f->came.bytes),
                 hak_words_number(f->went.blocks), hak_words_bytes(f->went.bytes));
    if (f->came.blocks && !view_sampled_rate(h->view))
        hak_text_add(text, ", %llu.%llu %% short-lived", (unsigned long long)part / 10,
                     (unsigned long long)part % 10);
    hak_text_add(text, " from %s to %s in ", hak_words_time(f->from_ns), hak_words_time(f->to_ns));
    view_add_extent_of(text, h->view, h->query.process);
    hak_text_add(text, ". ");
    if (f->unknown.blocks && knows_unknown(h))
        hak_text_add(text, "%s of %s %s freed whose allocation is not in it. ",
                     hak_words_count(f->unknown.blocks, "block", "blocks"),
                     hak_words_bytes(f->unknown.bytes), f->unknown.blocks == 1 ? "was" : "were");
    else if (f->unknown.blocks)
        hak_text_add(text, "%s freed whose allocation is not in it. ",
                     hak_words_count(f->unknown.blocks, "block was", "blocks were"));
    view_add_completeness(text, h->view);
    hak_text_add(text, "\n");
}

/* Prints timeline, growth, processes and the moment's figures as text. */
static void print_heap_text(struct heap *h) {
    struct hak_text text = {0};
    add_timeline(&text, h);
    add_growing_groups(&text, h);
    add_processes(&text, h);
    add_taken(&text, h);
    add_hint(&text, h);
    add_heap_footer(&text, h);
    view_start_pager(h->view);
    view_print(&text);
}

/* ---- as JSON -----------------------------------------------------------------------------------
 */

static json_t *mapped_json(const struct heap *h) {
    return hak_json_object(NUMBER("mappings", h->mapped.blocks), NUMBER("bytes", h->mapped.bytes),
                           NUMBER("closed_bytes", h->closed_bytes));
}

/* The moment as JSON, with the live blocks and bytes; also the bytes of slots and of their
 * rounding, large blocks and their bytes, all null where no slots are known. */
static json_t *taken_json(const struct heap *h) {
    const struct taken *t = &h->taken;
    json_t *object = hak_json_object(JSON("at", profile_moment_json(&h->query, &h->query.at)),
                                     SUM("live", t->asked));
    bool has_slots = !h->is_kept && !h->is_alone;
    return hak_json_set(object, KNOWN("slot_bytes", has_slots, t->slots.bytes),
                        KNOWN("rounding_bytes", has_slots, t->slots.bytes - t->in_slots),
                        KNOWN("large_blocks", has_slots, t->large.blocks),
                        KNOWN("large_bytes", has_slots, t->large.bytes));
}

/* The growth as JSON, with the groups that still grow; null where it was not looked for. */
static json_t *growth_json(struct heap *h) {
    json_t *object = json_object(), *list = json_array();
    if (!h->has_growth) {
        json_decref(object);
        json_decref(list);
        return json_null();
    }
    hak_json_set(object, NUMBER("from_ns", h->growth.from_ns), NUMBER("to_ns", h->growth.to_ns),
                 FLAG("before_teardown", h->growth.has_teardown),
                 NUMBER("grown_bytes", profile_growth_bytes(&h->grown.all)));
    for (uint32_t i = 0; i < h->grown.groups && h->grown.group[i].goes_on; i++) {
        json_t *row = json_object();
        profile_set_label(row, &h->places.label[h->grown.group[i].key]);
        hak_json_set(row, NUMBER("grown_bytes", profile_growth_bytes(&h->grown.group[i].self)));
        json_array_append_new(list, row);
    }
    return hak_json_set(object, JSON("still_growing", list));
}

/* Prints timeline, growth, processes and the moment's figures as JSON. */
static void print_heap_json(struct heap *h) {
    json_t *document = view_json_document(h->view);
    const struct hak_flow *f = &h->flow;
    hak_json_set(document, NUMBER("from_ns", f->from_ns), NUMBER("to_ns", f->to_ns));
    hak_json_set(document, JSON("steps", timeline_answer(h).list),
                 JSON("peak", peak_json(&f->peak)), JSON("growth", growth_json(h)),
                 JSON("processes", processes_answer(h).list), JSON("held", taken_json(h)),
                 JSON("memory", profile_memory_json(&h->at_memory, !h->is_alone)),
                 JSON("memory_next", h->next_memory.kernel_ns
                                         ? profile_memory_json(&h->next_memory, !h->is_alone)
                                         : json_null()),
                 JSON("mapped", mapped_json(h)), SUM("allocated", f->came), SUM("freed", f->went),
                 SUM("short_lived", f->brief), NUMBER("unknown_blocks", f->unknown.blocks),
                 KNOWN("unknown_bytes", knows_unknown(h), f->unknown.bytes));
    view_start_pager(h->view);
    view_print_document(h->view, document);
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* Reads the question and --steps; false, and an error is printed, for one that heap cannot answer.
 */
static bool read_options(struct heap *h) {
    struct view *view = h->view;
    if (!profile_read_query_before_damage(view, &h->query) ||
        !view_read_number(view, "steps", &h->steps))
        return false;
    if (h->steps == 0 || h->steps > STEPS_MAX) {
        view_error("--steps %s: 1 to %s was expected", view_value(view, "steps"),
                   hak_words_number(STEPS_MAX));
        return false;
    }
    if (h->query.is_span &&
        (h->query.from.kind == VIEW_AT_PEAK || h->query.at.kind == VIEW_AT_PEAK)) {
        view_error("--between: heap looks for the peak between two other moments");
        return false;
    }
    if (h->query.is_span && h->query.at.kind == VIEW_AT_START) {
        view_error("--between: there is nothing before the first event");
        return false;
    }
    return true;
}

/* Frees what was read for the answer. */
static void free_answer(struct heap *h) {
    profile_memory_free(h->memory);
    free(h->step_memory);
    free(h->step_ns);
    hak_flow_free(&h->flow);
    growth_free(&h->growth);
    profile_free_groups(&h->grown);
}

/* Begins the answer anew, to end before a damage; `asked` is the question as it was asked. */
static void begin_again(struct heap *h, const struct profile_query *asked) {
    free_answer(h);
    *h = (struct heap){.view = h->view,
                       .query = *asked,
                       .steps = h->steps,
                       .grown_query = h->grown_query,
                       .places = h->places,
                       .grown = {.query = &h->grown_query, .places = &h->places},
                       .is_alone = h->is_alone,
                       .is_kept = h->is_kept};
}

/* Reads all of it in one transaction: the names of functions alone are thousands of queries. 0, or
 * a status. */
static int read_all(struct heap *h) {
    const struct hak_database *db = hak_store_database(h->view->reader);
    bool is_own = hak_database_begin_reading(db);
    view_limit_moment(h->view, &h->query.from);
    view_limit_moment(h->view, &h->query.at);
    int status = read_timeline(h);
    if (status == 0) {
        settle_moment(h);
        status = read_taken(h);
    }
    if (status == 0)
        status = read_heap_memory(h);
    if (status == 0)
        status = read_mapped(h);
    hak_database_end_reading(db, is_own);
    return status;
}

/* `heap`: prints the heap over time, what grows in it, and what it consists of at a moment. An exit
 * status. */
int command_heap(struct view *view) {
    struct heap h = {.view = view,
                     .query = {.per = PROFILE_FUNCTION, .at = {.kind = VIEW_AT_PEAK}},
                     .steps = STEPS};
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!read_options(&h)) {
        profile_free_query(&h.query);
        return view_question_status();
    }
    h.grown_query = (struct profile_query){
        .view = view, .per = PROFILE_FUNCTION, .by = PROFILE_GROWTH, .is_span = true};
    h.places.view = view;
    h.grown.query = &h.grown_query;
    h.grown.places = &h.places;
    h.is_kept = hak_store_is_kept(view->reader);
    h.is_alone = hak_store_is_profile_only(view->reader);
    const struct profile_query asked = h.query;
    status = read_all(&h);
    if (status == VIEW_UNREADABLE && view_end_before_damage(view)) {
        begin_again(&h, &asked);
        status = read_all(&h);
    }
    if (status == 0)
        status = view_look_again(view);
    if (status == 0) {
        view_say_end(view);
        if (h.flow.processes)
            qsort(h.flow.process, h.flow.processes, sizeof *h.flow.process, compare_processes);
        if (view->json)
            print_heap_json(&h);
        else
            print_heap_text(&h);
        status = view_completeness(view);
    }
    free_answer(&h);
    profile_free_places(&h.places);
    profile_free_query(&h.query);
    return status;
}

/* heaptrack's data file, as its interpreter writes it: each allocation and each free with its
 * stack, in the order of the log. Lines of hexadecimal numbers: v version, X command, I pages,
 * s string, i code, t trace, a size and trace, + and - an allocation, c milliseconds. */
#include "viewer/export/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "viewer/export/message.h"
#include "viewer/export/stacks.h"
#include "base/growing.h"

#define VERSION   "v 10400 1\n" /* of heaptrack, and of the file: what each one reads */
#define TIMES_MAX 4096          /* times that the file tells */
#define NO_TRACE  UINT32_MAX    /* of a row: left out by --focus or --ignore */

struct allocation {
    uint64_t size;
    uint32_t trace;
};

struct trace {
    uint32_t site, outer;
};

struct heaptrack {
    struct export *export;
    struct hak_flow flow;
    struct message_texts texts;
    struct export_sites sites;
    uint32_t written_sites, traces, allocations;
    struct hak_index by_trace;      /* (site, outer trace) -> trace */
    struct hak_index by_allocation; /* (size, trace) -> allocation + 1 */
    struct allocation *allocation;
    struct trace *trace;
    uint32_t allocation_room, trace_room;
    uint32_t *of_row; /* trace of each row; 0 = it is not looked for yet */
    uint32_t row_room;
    bool failed;
};

static void write_line(struct heaptrack *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes a formatted line. */
static void write_line(struct heaptrack *h, const char *format, ...) {
    struct hak_text text = {0};
    va_list list;
    va_start(list, format);
    hak_text_vadd(&text, format, list);
    va_end(list);
    view_sink_add(h->export->sink, &text);
}

/* ---- stacks ------------------------------------------------------------------------------------
 */

/* The text's number; a new text is written first. Frees it. */
static uint32_t number_text(struct heaptrack *h, struct hak_text *text) {
    bool is_new;
    uint32_t number = message_number_text(&h->texts, text, &is_new);
    h->failed |= h->texts.failed;
    if (number && is_new)
        write_line(h, "s %s\n", h->texts.text[number - 1]);
    return number;
}

/* number_text of a text of the program. */
static uint32_t number_words(struct heaptrack *h, const char *words) {
    struct hak_text text = {0};
    hak_text_add_name(&text, words);
    return number_text(h, &text);
}

/* Writes the line of a return address: its module, and its functions, inlined ones first. */
static void write_site(struct heaptrack *h, const struct export_site *site) {
    struct export *e = h->export;
    const struct profile_code *code = site->code == UINT32_MAX ? NULL : &e->places.code[site->code];
    const struct export_module *module = code ? export_find_module(e, code) : NULL;
    struct hak_text line = {0};
    hak_text_add(&line, "i %" PRIx64 " %x", code ? code->ip : 0,
                 module ? number_words(h, module->path) : 0);
    for (uint32_t i = 0; i < site->count; i++) {
        const struct hak_frame *f = &e->places.place[h->sites.place[site->first + i]].frame;
        struct hak_text name = {0};
        export_add_name(&name, f);
        uint32_t function = number_text(h, &name);
        hak_text_add(&line, " %x %x %x", function, number_words(h, f->file), f->line);
    }
    hak_text_add(&line, "\n");
    view_sink_add(e->sink, &line);
}

/* The number of a site called from `outer`; a new one is written first. */
static uint32_t number_trace(struct heaptrack *h, uint32_t site, uint32_t outer) {
    uint64_t key = hak_index_mix(site, outer), at = 0;
    for (uint32_t row; (row = hak_index_find(&h->by_trace, key, &at)) != 0;)
        if (h->trace[row - 1].site == site && h->trace[row - 1].outer == outer)
            return row;
    if (!hak_growing_make_room(&h->trace, h->traces, &h->trace_room, sizeof *h->trace) ||
        !hak_index_add(&h->by_trace, key, h->traces + 1)) {
        h->failed = true;
        return 0;
    }
    h->trace[h->traces++] = (struct trace){site, outer};
    write_line(h, "t %x %x\n", site, outer);
    return h->traces;
}

/* The number of a stack, whose new sites are written first; NO_TRACE: left out. */
static uint32_t find_trace(struct heaptrack *h, uint32_t stack) {
    struct export *e = h->export;
    uint32_t trace = 0;
    if (!profile_read_path(&e->places, stack, &e->path))
        return NO_TRACE; /* the places say why */
    if (e->path.is_left_out)
        return NO_TRACE;
    h->failed |= !export_find_sites(&h->sites, &e->path);
    while (h->written_sites < h->sites.sites && !h->failed)
        write_site(h, &h->sites.site[h->written_sites++]);
    for (uint32_t i = h->sites.count; i-- > 0 && !h->failed;)
        trace = number_trace(h, h->sites.of_path[i], trace);
    return trace;
}

/* find_trace of a row, looked up once. */
static uint32_t trace_of_row(struct heaptrack *h, uint32_t row) {
    if (row >= h->row_room &&
        !hak_growing_reach(&h->of_row, row, &h->row_room, sizeof *h->of_row)) {
        h->failed = true;
        return NO_TRACE;
    }
    if (!h->of_row[row])
        h->of_row[row] = find_trace(h, h->flow.row[row].stack);
    return h->of_row[row];
}

/* ---- allocations -------------------------------------------------------------------------------
 */

/* The number of a size at a trace; a new one is written first. */
static uint32_t number_allocation(struct heaptrack *h, uint64_t size, uint32_t trace) {
    uint64_t key = hak_index_mix(size, trace), at = 0;
    for (uint32_t row; (row = hak_index_find(&h->by_allocation, key, &at)) != 0;)
        if (h->allocation[row - 1].size == size && h->allocation[row - 1].trace == trace)
            return row - 1;
    if (!hak_growing_make_room(&h->allocation, h->allocations, &h->allocation_room,
                               sizeof *h->allocation) ||
        !hak_index_add(&h->by_allocation, key, h->allocations + 1)) {
        h->failed = true;
        return 0;
    }
    h->allocation[h->allocations] = (struct allocation){size, trace};
    write_line(h, "a %" PRIx64 " %x\n", size, trace);
    return h->allocations++;
}

/* Writes a change of a stack's sums as allocations: a shrink in place, or a child's inheritance, is
 * one, whatever it was made of. */
static void take_change(void *context, uint32_t row, enum hak_flow_change what,
                        struct hak_amount sum) {
    struct heaptrack *h = context;
    uint32_t trace = h->failed || what == HAK_FLOW_BRIEF ? NO_TRACE : trace_of_row(h, row);
    if (trace == NO_TRACE || h->failed)
        return;
    bool is_more = what == HAK_FLOW_CAME || what == HAK_FLOW_INHERITED;
    uint32_t number = number_allocation(h, sum.bytes, trace);
    write_line(h, "%s %x\n", is_more ? "+" : "-", number);
}

/* Writes the time. */
static void take_step(void *context, uint32_t step, uint64_t id, uint64_t ns,
                      struct hak_amount live) {
    (void)step;
    (void)id;
    (void)live;
    write_line(context, "c %" PRIx64 "\n", ns / 1000000);
}

/* ---- the file ----------------------------------------------------------------------------------
 */

/* Writes the blocks that were held at the beginning of a span. */
static void take_before(void *context, const struct profile_item *item) {
    struct heaptrack *h = context;
    uint32_t trace = h->failed ? NO_TRACE : find_trace(h, item->stack);
    if (trace != NO_TRACE && !h->failed)
        write_line(h, "+ %x\n", number_allocation(h, item->sums.live.bytes, trace));
}

/* Writes what was live when the span begins. Returns a status. */
static int write_before(struct heaptrack *h) {
    struct export *e = h->export;
    struct profile_query before = e->query;
    struct profile_facts facts;
    before.is_span = false;
    before.at = e->query.from;
    before.by = PROFILE_BYTES;
    int status = profile_gather(&before, &facts, take_before, h);
    e->query.from = before.at; /* the peak is an event now */
    return status;
}

/* Writes what came and went in the span. Returns a status. */
static int write_events(struct heaptrack *h) {
    struct export *e = h->export;
    struct profile_query *q = &e->query;
    int status = q->at.kind == VIEW_AT_PEAK ? view_find_peak(e->view, q->process, &q->at) : 0;
    if (status)
        return status;
    struct hak_flow_follower follower = {take_change, take_step, h};
    struct hak_flow_query query = {.from = q->from.event,
                                   .to = q->at.event,
                                   .process = q->process,
                                   .steps = TIMES_MAX,
                                   .follower = &follower};
    bool is_empty = q->from.kind == VIEW_AT_END || q->at.kind == VIEW_AT_START ||
                    (q->at.event && q->at.event <= q->from.event);
    int error = is_empty ? 0 : hak_flow_read(e->view->reader, &query, &h->flow);
    return error ? view_store_error(e->view, error) : 0;
}

/* Of the machine that it was recorded on; captures from before it was noted are x86-64's. */
static uint64_t page_bytes(struct export *e) {
    uint64_t bytes = hak_database_meta_number(hak_store_database(e->view->reader), "page_bytes");
    return bytes ? bytes : 4096;
}

/* Writes version, command line, page size and pages. */
static void write_head(struct heaptrack *h) {
    struct export *e = h->export;
    const struct export_process *process =
        e->query.process ? export_find_process(e, e->query.process) : e->process;
    write_line(h, VERSION);
    write_line(h, "X %s\n", process && e->processes ? process->command_line : "");
    uint64_t memory_bytes = (uint64_t)sysconf(_SC_PAGESIZE) * (uint64_t)sysconf(_SC_PHYS_PAGES);
    uint64_t bytes = page_bytes(e);
    write_line(h, "I %lx %lx\n", bytes, memory_bytes / bytes);
}

int export_heaptrack(struct export *e) {
    struct heaptrack h = {.export = e};
    int status = export_begin(e, false);
    if (status == 0 && !view_given(e->view, "between")) {
        e->query.from = (struct view_moment){.kind = VIEW_AT_START};
        e->query.at = (struct view_moment){.kind = VIEW_AT_END};
    }
    if (status == 0)
        status = export_read_processes(e);
    if (status == 0)
        status = export_read_modules(e);
    if (status == 0) {
        write_head(&h);
        status = write_before(&h);
    }
    if (status == 0)
        status = write_events(&h);
    if (status == 0)
        status = view_look_again(e->view);
    e->failed |= h.failed;
    hak_flow_free(&h.flow);
    message_free_texts(&h.texts);
    export_free_sites(&h.sites);
    hak_index_free(&h.by_trace);
    hak_index_free(&h.by_allocation);
    free(h.allocation);
    free(h.trace);
    free(h.of_row);
    return status;
}

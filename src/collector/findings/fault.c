/* Makes the report of a fault and prints it, whatever else fails. */
#include "collector/findings/fault.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/bytes.h"
#include "fault_codes.h"
#include "options.h"
#include "report/text/text.h"
#include "symbols/reading.h"
#include "symbols/static_place.h"
#include "report/page/page.h"
#include "store/history/history.h"
#include "collector/findings/findings.h"
#include "collector/findings/second_opinion.h"
#include "collector/link/link.h"

#define FAULT_FRAMES_MAX (4 * HAK_REPORT_FRAMES)
#define KEPT_FRAMES_MAX  (4 * HAK_REPORT_LIFE_FRAMES)
#define KEPT_STACKS      (3 + HAK_REPORT_CREATIONS)
#define THREADS_MAX      32 /* of the block's history whose creation is resolved */
#define STACKS_MAX       96 /* of the block's history that are resolved before the page is made */
#define ROUNDS_MAX       10000
#define LOWEST_BLOCK     4096 /* nothing is mapped below */
#define PLACE_FRAMES     32   /* with inlined ones */
#define LATE_MAX         256  /* reports that wait for names */
#define RECENT_ROWS      1000 /* one of these is the report's that a worker died over */

struct hak_fault {
    struct hak_client *client;
    uint64_t ns;
    int rounds; /* of waiting for its event */
    uint64_t event;
    uint32_t process, thread;        /* rows */
    struct hak_store_reader *reader; /* NULL = there is no store */
    struct hak_second_opinion second;
    struct hak_report_context context;
    char *arguments, *thread_name; /* of the context */
    uint32_t row;                  /* that it was stored as, 0 = it was not, or not yet */
    bool is_left;                  /* the program does not wait for it, and has said it */
    struct hak_fault *next_late;
    struct hak_report_request request; /* a copy: the program may write at any moment */
};

/* Frees a fault, its texts, and closes its reader. */
static void free_fault(struct hak_fault *f) {
    if (f->reader)
        hak_store_close(f->reader);
    free(f->arguments);
    free(f->thread_name);
    free(f);
}

bool hak_fault_is_wanted(const struct hak_client *client) {
    uint32_t state =
        atomic_load_explicit(&hak_mapping_report(&client->map)->state, memory_order_acquire);
    /* WRITING, PRINTING, KEEPING: a worker died over it; this one writes it. */
    return state == HAK_REPORT_READY || state == HAK_REPORT_WRITING ||
           state == HAK_REPORT_PRINTING || state == HAK_REPORT_LEFT || state == HAK_REPORT_KEEPING;
}

/* False: the program has given up waiting meanwhile. */
static bool advance_state(struct hak_report_request *area, enum hak_report_state from,
                          enum hak_report_state to) {
    uint32_t state = from;
    return atomic_compare_exchange_strong(&area->state, &state, to);
}

/* Whether the request in the area is the one that `f` has a copy of. */
static bool is_same_request(const struct hak_fault *f, const struct hak_report_request *area) {
    const struct hak_report_request *r = &f->request;
    return area->process == r->process && area->thread == r->thread && area->ring == r->ring &&
           area->fault_position == r->fault_position &&
           area->facts.found_address == r->facts.found_address;
}

static void wake(struct hak_report_request *area) {
    syscall(SYS_futex, &area->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Frees the area if the program gave this request up while its report was made; another request
 * that is left there stays. */
static bool free_given_up(const struct hak_fault *f, struct hak_report_request *area) {
    return advance_state(area, HAK_REPORT_LEFT, HAK_REPORT_KEEPING) &&
           advance_state(area, HAK_REPORT_KEEPING,
                         is_same_request(f, area) ? HAK_REPORT_IDLE : HAK_REPORT_LEFT);
}

/* Tells the program that it need not wait longer for its report, or for the area, and wakes it. */
static void release_program(const struct hak_fault *f) {
    struct hak_report_request *r = hak_mapping_report(&f->client->map);
    if (f->is_left
            ? advance_state(r, HAK_REPORT_KEEPING, HAK_REPORT_IDLE)
            : advance_state(r, HAK_REPORT_PRINTING, HAK_REPORT_DONE) ||
                  advance_state(r, HAK_REPORT_WRITING, HAK_REPORT_DONE) || free_given_up(f, r))
        wake(r);
}

/* The file that the report goes into, "" = stderr. A file that a process of another user names is
 * written with this user's rights only where `run` or a process of this user named it, too. */
static const char *log_of(const struct hak_findings *f, const struct hak_client *c) {
    if (f->log_path[0])
        return f->log_path;
    bool may_write = c->map.is_own_user || strcmp(c->map.head.log_path, f->own_log_path) == 0;
    return may_write ? c->map.head.log_path : "";
}

/* Prints a text into the log of the client, or in colours where they are wanted on stderr; nothing
 * for a session from a file. */
static void print(const struct hak_findings *f, const struct hak_client *c, const char *text) {
    if (c->is_file) /* the program has said it, as far as it could */
        return;
    const char *path = log_of(f, c);
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
    /* A FIFO that nobody reads is not waited for. */
    int fd = path[0] == '/' ? open(path, flags | O_NONBLOCK, 0600) : -1;
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_APPEND);
    struct hak_text colored = {0};
    if (fd < 0 && hak_color_is_wanted(f->color, STDERR_FILENO))
        hak_color_report(&colored, text);
    bool has_color = colored.length > 0 && !colored.failed;
    hak_begin_line(fd >= 0 ? fd : STDERR_FILENO);
    text = has_color ? colored.bytes : text;
    (void)hak_write_fully(fd >= 0 ? fd : STDERR_FILENO, text, strlen(text));
    hak_text_free(&colored);
    if (fd >= 0)
        close(fd);
}

struct wanted_stacks {
    uint32_t stacks[STACKS_MAX];
    uint32_t threads[THREADS_MAX]; /* rows, each once */
    int count, thread_count;
};

/* Adds a thread to those wanted, once, THREADS_MAX at most. */
static void collect_thread(struct wanted_stacks *wanted, uint32_t thread) {
    for (int i = 0; i < wanted->thread_count; i++)
        if (wanted->threads[i] == thread)
            return;
    if (thread != 0 && wanted->thread_count < THREADS_MAX)
        wanted->threads[wanted->thread_count++] = thread;
}

/* Adds an event's stack and thread to those wanted. 1 ends the search: STACKS_MAX are there. */
static int collect_stack(void *context, const struct hak_event *event) {
    struct wanted_stacks *wanted = context;
    if (wanted->count == STACKS_MAX)
        return 1;
    if (event->stack)
        wanted->stacks[wanted->count++] = event->stack;
    collect_thread(wanted, event->thread);
    return 0;
}

/* The names of the frames at which the thread was created; returns its creator's row. */
static uint32_t resolve_origin(struct hak_capture *capture, uint32_t thread) {
    const struct hak_thread_info *t = hak_rows_thread_info(&capture->rows, thread);
    if (!t)
        return 0;
    if (t->row.stack)
        hak_resolve_stack(&capture->resolve, &capture->rows, t->row.stack);
    return t->row.creator ? hak_rows_known_thread(&capture->rows, t->row.process, t->row.creator)
                          : 0;
}

/* Resolves the wanted stacks, and those where the wanted threads and their creators were
 * created. */
static void resolve_wanted(struct hak_capture *capture, const struct wanted_stacks *wanted) {
    for (int i = 0; i < wanted->count; i++)
        hak_resolve_stack(&capture->resolve, &capture->rows, wanted->stacks[i]);
    for (int i = 0; i < wanted->thread_count; i++)
        (void)resolve_origin(capture, resolve_origin(capture, wanted->threads[i]));
}

/* Collects the stacks of the newest events at the address, of the process and of those that it was
 * forked from, up to then: a child's block may be its parent's. */
static void collect_history(struct hak_capture *capture, struct hak_store_reader *reader,
                            uint32_t process, uint64_t address, struct wanted_stacks *wanted) {
    struct hak_filter filter = {.address = address, .process = process, .class_index = -1};
    while (filter.process) {
        const struct hak_process_info *info = hak_rows_process_info(&capture->rows, filter.process);
        hak_store_scan(reader, &filter, true, collect_stack, wanted);
        uint32_t parent = info ? info->row.parent : 0;
        const struct hak_process_info *of =
            parent < filter.process ? hak_rows_process_info(&capture->rows, parent) : NULL;
        if (!of || of->row.session != info->row.session)
            return; /* a program that was executed inherits nothing */
        filter.process = parent;
        filter.id_to = info->row.fork_event;
        filter.ns_to = filter.id_to ? 0 : info->row.start_ns;
    }
}

/* Resolves the names of the frames that the page will show: of the newest events at the fault's
 * addresses. */
static void resolve_history(struct hak_capture *capture, struct hak_store_reader *reader,
                            uint32_t process, uint32_t thread,
                            const struct hak_fault_facts *facts) {
    struct wanted_stacks wanted = {.count = 0};
    collect_thread(&wanted, thread);
    uint64_t addresses[] = {facts->base, facts->found_address, facts->user};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (addresses[i])
            collect_history(capture, reader, process, addresses[i], &wanted);
    resolve_wanted(capture, &wanted);
}

/* Resolves the names of the frames at which blocks that a crash points into were taken and given
 * back. */
static void resolve_pointed(struct hak_capture *capture, struct hak_store_reader *reader,
                            uint32_t process, const struct hak_report_request *request) {
    struct wanted_stacks wanted = {.count = 0};
    for (int i = 0; i < HAK_REPORT_OTHERS; i++)
        if (request->others[i].thread)
            collect_thread(
                &wanted, hak_rows_known_thread(&capture->rows, process, request->others[i].thread));
    for (int i = -1; i < HAK_REPORT_REGISTERS; i++) {
        uint64_t address = i < 0 ? request->signal_address : request->registers[i];
        struct hak_story *story = NULL;
        if (address < LOWEST_BLOCK || hak_story_load(reader, address, process, 0, &story) <= 0)
            continue;
        const struct hak_life *life =
            story->life_count > 0 ? &story->lives[story->life_count - 1] : NULL;
        if (life)
            collect_stack(&wanted, &life->birth);
        for (int k = 0; life && k < life->end_count; k++)
            collect_stack(&wanted, &life->ends[k]);
        hak_story_free(story);
    }
    resolve_wanted(capture, &wanted);
}

void hak_fault_count_unstored(struct hak_capture *capture, uint32_t process, uint32_t thread,
                              uint64_t ns) {
    if (!capture->writer)
        return;
    hak_say("%s; this report is not in the capture", hak_store_message());
    hak_rows_add_loss(&capture->rows, process, thread, ns, ns, 1, HAK_LOSS_UNSTORED);
}

/* In a transaction: puts the row of a fault with its report. 0, or an error. */
static int put_report(struct hak_capture *capture, const struct hak_fault *f,
                      const struct hak_report *report) {
    const struct hak_report_context *context = &f->context;
    struct hak_fault_row row = {.id = context->fault_row,
                                .code = f->request.facts.fault,
                                .event = report->event,
                                .ns = context->ns,
                                .process = context->process,
                                .thread = context->thread,
                                .summary = report->summary,
                                .report = report->text,
                                .json = report->json,
                                .fingerprint = report->fingerprint};
    return hak_store_put_fault(capture->writer, &row);
}

/* Tells readers from which fault on fingerprints may change yet; 0: none does. */
static int put_late(struct hak_capture *capture, uint32_t fault) {
    char text[16] = "";
    if (fault)
        snprintf(text, sizeof text, "%u", fault);
    return hak_store_put_meta(capture->writer, "late_fault", text);
}

/* Stores a report in a transaction, and for the first one whose names come late also that. False:
 * it is not stored. */
static bool put_whole_report(struct hak_capture *capture, const struct hak_findings *findings,
                             const struct hak_fault *f, const struct hak_report *report) {
    bool is_first_late = capture->resolve.report.late[0] && findings->late_count == 0;
    if (!hak_capture_begin(capture))
        return false;
    int error = put_report(capture, f, report);
    if (error == 0 && is_first_late)
        error = put_late(capture, f->context.fault_row);
    return hak_capture_end(capture, error);
}

/* Stores a report, which gets the next row, or again the one that it has; one that cannot be stored
 * and has none is counted. */
static void store_report(struct hak_capture *capture, const struct hak_findings *findings,
                         struct hak_fault *f, const struct hak_report *report) {
    const struct hak_report_context *context = &f->context;
    bool is_stored = put_whole_report(capture, findings, f, report);
    if (f->row) /* it stays as it was, at worst */
        return;
    if (is_stored)
        f->row = capture->next_fault++;
    else
        hak_fault_count_unstored(capture, context->process, context->thread, context->ns);
}

/* The row of the report, if a worker before stored it and died before it told the program; else
 * 0. */
static uint32_t find_stored_row(const struct hak_fault *f, const struct hak_capture *capture) {
    const struct hak_report_context *context = &f->context;
    if (!f->event || !f->reader || f->request.is_unrecorded)
        return 0;
    uint32_t from = capture->next_fault > RECENT_ROWS ? capture->next_fault - RECENT_ROWS : 0;
    struct hak_query q =
        hak_ask(hak_store_writer_database(capture->writer),
                "SELECT id FROM fault WHERE id >= ?1 AND ns = ?2 AND process = ?3 AND code = ?4"
                " AND thread = ?5",
                "reading faults", from, context->ns, context->process, f->request.facts.fault,
                context->thread);
    uint32_t row = hak_query_next(&q) ? hak_query_id(&q, 0) : 0;
    return hak_query_end(&q) == 0 ? row : 0;
}

/* Tells readers that the event has no report since a suppression kept it back; at once, as this
 * worker may die, or as soon as the disk has room again: the fault is none. */
static void store_suppressed(struct hak_capture *capture, uint64_t event) {
    if (!event || !capture->writer)
        return;
    if (!hak_capture_begin(capture) ||
        !hak_capture_end(capture, hak_store_put_suppressed(capture->writer, event)))
        hak_rows_add_suppressed(&capture->rows, event);
}

/* Whether a worker before has stored that. */
static bool is_stored_as_suppressed(const struct hak_capture *capture, uint64_t event) {
    return event && capture->writer && hak_store_is_suppressed(capture->writer, event);
}

void hak_fault_store_watched(struct hak_capture *capture, uint32_t process, uint64_t calls,
                             uint64_t blocks) {
    const struct {
        const char *of;
        uint64_t value;
    } numbers[] = {{"calls", calls}, {"blocks", blocks}};
    int error = 0;
    if (!hak_capture_begin(capture))
        return;
    for (int i = 0; i < 2 && error == 0; i++) {
        char key[64], text[32];
        snprintf(key, sizeof key, "watched_%s.%u", numbers[i].of, process);
        snprintf(text, sizeof text, "%llu", (unsigned long long)numbers[i].value);
        error = hak_store_put_meta(capture->writer, key, text);
    }
    (void)hak_capture_end(capture, error);
}

/* Prints a line with fault, address and signal, for a report that there is no memory for. */
static void print_bare(const struct hak_findings *findings, const struct hak_client *c,
                       const struct hak_report_request *r) {
    char line[256];
    snprintf(
        line, sizeof line,
        "hakmem: HKM-%u found at address 0x%llx (signal %u); no memory is left for the report\n",
        r->facts.fault, (unsigned long long)r->facts.found_address, r->signal);
    print(findings, c, line);
}

/* Resolves the places that the page names beside the fault's own stack. */
static void resolve_places(struct hak_capture *capture, const struct hak_report_request *request,
                           uint32_t process, struct hak_report_context *context) {
    struct hak_frame frames[PLACE_FRAMES];
    int count = 0;
    int ips = 0;
    while (ips < HAK_REPORT_HANDLER_FRAMES && request->handler_frames[ips] != 0)
        ips++;
    if (request->handler_signal && ips > 0) {
        count = hak_resolve_frames(&capture->resolve, &capture->rows, process,
                                   request->handler_frames, ips, true, frames, PLACE_FRAMES);
        hak_report_place(context->handler_place, HAK_PLACE_BYTES, frames, count);
    }
    for (int i = 0; i < HAK_REPORT_OTHERS; i++)
        if (request->others[i].thread) {
            count = hak_resolve_frames(&capture->resolve, &capture->rows, process,
                                       &request->others[i].ip, 1, true, frames, PLACE_FRAMES);
            hak_report_place(context->other_place[i], HAK_PLACE_BYTES, frames, count);
        }
}

/* Resolves a stack that the program kept itself: `ips` of return addresses, ended by 0. Writes the
 * frames to `*room`, which moves behind them; returns their count. */
static int resolve_kept_stack(struct hak_capture *capture, uint32_t process, const uint64_t *ips,
                              struct hak_frame **room, const struct hak_frame **frames) {
    int count = 0;
    while (count < HAK_REPORT_LIFE_FRAMES && ips[count] != 0)
        count++;
    *frames = *room;
    if (count == 0)
        return 0;
    int found = hak_resolve_frames(&capture->resolve, &capture->rows, process, ips, count, false,
                                   *room, KEPT_FRAMES_MAX);
    *room += found;
    return found;
}

/* Resolves the stacks that the program told: the fault's, those that it kept, and where its threads
 * were created. All lie in the result, which the caller frees; NULL without memory. */
static struct hak_frame *resolve_stacks(struct hak_capture *capture, const struct hak_fault *f,
                                        struct hak_report_context *context) {
    const struct hak_report_request *r = &f->request;
    struct hak_frame *frames =
        calloc(FAULT_FRAMES_MAX + KEPT_STACKS * KEPT_FRAMES_MAX, sizeof *frames);
    struct hak_frame *room = frames;
    uint32_t count = r->frame_count < HAK_REPORT_FRAMES ? r->frame_count : HAK_REPORT_FRAMES;
    context->frames = frames;
    if (!frames)
        return NULL;
    context->frame_count =
        hak_resolve_frames(&capture->resolve, &capture->rows, f->process, r->frames, (int)count,
                           hak_facts_are_of_stop(&r->facts, r->signal), frames, FAULT_FRAMES_MAX);
    room += context->frame_count;
    context->alloc_frame_count =
        resolve_kept_stack(capture, f->process, r->alloc_frames, &room, &context->alloc_frames);
    context->free_frame_count =
        resolve_kept_stack(capture, f->process, r->free_frames, &room, &context->free_frames);
    context->clean_frame_count =
        resolve_kept_stack(capture, f->process, r->clean_frames, &room, &context->clean_frames);
    for (int i = 0; i < HAK_REPORT_CREATIONS; i++) {
        const struct hak_report_creation *from = &r->creations[i];
        struct hak_kept_creation *to = &context->creations[i];
        *to = (struct hak_kept_creation){.thread = from->thread, .creator = from->creator};
        to->frame_count = resolve_kept_stack(capture, f->process, from->frames, &room, &to->frames);
    }
    return frames;
}

/* The command line, NUL behind each argument; the last byte is not NUL when it did not fit. */
static size_t copy_arguments(const struct hak_client *c, char **arguments) {
    const struct hak_session *s = hak_mapping_header(&c->map);
    size_t bytes = *(const volatile uint32_t *)&s->command_line_bytes;
    if (bytes > HAK_PATH_BYTES)
        bytes = HAK_PATH_BYTES;
    *arguments = bytes > 0 ? malloc(bytes + 1) : NULL;
    if (!*arguments)
        return 0;
    memcpy(*arguments, s->command_line, bytes);
    (*arguments)[bytes] = '\0'; /* whatever the program wrote */
    return bytes;
}

/* Why no debug register stops the process on this machine, as far as it has found out; else 0. */
static unsigned unwatched_of(const struct hak_client *c, uint32_t index) {
    if (index >= HAK_PROCESSES)
        return 0;
    uint32_t flags = atomic_load(&hak_mapping_process(&c->map, index)->flags);
    unsigned why = flags >> HAK_PROCESS_WHY_SHIFT & 0xff;
    if (!(flags & (HAK_PROCESS_UNWATCHED | HAK_PROCESS_NEWEST_UNWATCHED)))
        return 0;
    return why == HAK_UNWATCHED_DEAF || why == HAK_UNWATCHED_PROCESSOR ? why : 0;
}

/* Adds what the counters of the process have reached: how much is guarded by now, and what is not
 * known of its pools; nothing where it counts by itself. */
static void add_counts(struct hak_report_context *context, const struct hak_client *c,
                       uint32_t index) {
    static struct hak_counters_sum sum; /* one worker thread */
    if (index >= HAK_PROCESSES || c->map.head.metrics_blocks == 0 ||
        !hak_snapshot_sum(c, index, &sum))
        return;
    for (unsigned metric = 0; metric < HAK_METRICS; metric++)
        for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
            hak_coverage_add(&context->coverage, hak_metric_name(metric), sum.cells[k][metric]);
    context->missed = hak_snapshot_missed_in(&sum);
}

static bool stops_at_faults(const struct hak_client *c) {
    return *(const volatile uint32_t *)&hak_mapping_header(&c->map)->stop_on_fault != 0;
}

/* Names the static data or code in which the pointer of a bad free lies. */
static void name_static_place(const struct hak_fault *f, struct hak_capture *capture,
                              char out[HAK_PLACE_BYTES]) {
    const struct hak_fault_facts *facts = &f->request.facts;
    struct hak_static_place place;
    if (facts->memory != HAK_MEMORY_STATIC && facts->memory != HAK_MEMORY_CODE)
        return;
    const struct hak_module_info *m =
        hak_rows_module_info(&capture->rows, hak_rows_module_of(&capture->rows, f->process,
                                                                UINT32_MAX, facts->found_address));
    if (!m || m->row.path[0] != '/' || hak_reading_is_barred(m->row.path, m->row.build_id))
        return;
    hak_reading_begin(m->row.path, m->row.build_id);
    bool is_found = hak_static_place_find(&place, m->row.path, m->row.build_id,
                                          facts->found_address - m->row.load_bias);
    hak_reading_end();
    if (!is_found)
        return;
    struct hak_text text = {0};
    if (place.symbol[0])
        hak_text_add_name(&text, place.symbol);
    if (place.symbol[0] && place.offset)
        hak_text_add(&text, "+0x%" PRIx64, place.offset);
    hak_text_add(&text, "%s%s of ", place.symbol[0] ? ", " : "", place.kind);
    hak_text_add_name(&text, strrchr(m->row.path, '/') + 1);
    hak_text_add(&text, " (");
    hak_text_add_name(&text, place.section);
    hak_text_add(&text, ")");
    snprintf(out, HAK_PLACE_BYTES, "%s", hak_text_string(&text));
    hak_text_free(&text);
}

/* Fills in all that the page needs beside the request, but for the stacks. */
static void fill_context(struct hak_fault *f, struct hak_capture *capture) {
    const struct hak_client *c = f->client;
    const struct hak_report_request *request = &f->request;
    const struct hak_thread_info *t = hak_rows_thread_info(&capture->rows, f->thread);
    f->thread_name = t ? strdup(t->row.name) : NULL;
    const struct hak_process_info *process = hak_rows_process_info(&capture->rows, f->process);
    size_t argument_bytes = copy_arguments(c, &f->arguments);
    f->context = (struct hak_report_context){.process = f->process,
                                             .thread = f->thread,
                                             .thread_number = request->thread,
                                             .thread_name = f->thread_name,
                                             .fault_row = capture->next_fault,
                                             .fault_event = f->event,
                                             .ns = f->ns,
                                             .store_path = capture->path,
                                             .second = &f->second,
                                             .arguments = f->arguments,
                                             .argument_bytes = argument_bytes,
                                             .late_modules = capture->resolve.report.late,
                                             .is_trace = c->map.head.level == HAK_CHECK_TRACE,
                                             .is_light = c->map.head.level == HAK_CHECK_LIGHT,
                                             .unwatched = unwatched_of(c, request->process),
                                             .is_forked = process && process->row.fork_event,
                                             .stops = stops_at_faults(c),
                                             .signal = request->signal,
                                             .processor = c->map.processor};
    add_counts(&f->context, c, request->process);
    name_static_place(f, capture, f->context.static_place);
    struct hak_event found;
    if (f->reader && f->event && hak_store_event(f->reader, f->event, &found) == 1)
        f->context.ns = found.ns;
    if (request->is_unrecorded)
        f->context.ns = 0; /* there is no capture whose time it could be */
    else if (request->facts.clean_ticks)
        f->context.clean_ns = hak_clock_ns(&c->clock, request->facts.clean_ticks);
}

/* Makes the page. Returns the stacks that it has, the caller's to free; `made` is that of
 * hak_report_make. */
static struct hak_frame *make_page(struct hak_fault *f, struct hak_capture *capture,
                                   struct hak_report *page, bool *made) {
    resolve_places(capture, &f->request, f->process, &f->context);
    struct hak_frame *frames = resolve_stacks(capture, f, &f->context);
    *made = hak_report_make(f->reader, &f->request, &f->context, page) == 0;
    return frames;
}

/* Whether the fault is news. One that a worker before judged, and died, does not count again as a
 * use of its suppression. */
static enum hak_answer judge(const struct hak_fault *f, struct hak_capture *capture,
                             struct hak_findings *findings, const struct hak_report *page,
                             const struct hak_frame *frames) {
    unsigned code = f->request.facts.fault;
    enum hak_answer answer =
        is_stored_as_suppressed(capture, f->event)
            ? HAK_ANSWER_SUPPRESSED
            : hak_judge_ask(&findings->judge, capture, f->client, code, page->fingerprint, frames,
                            f->context.frame_count, page->allocated.frame, page->allocated.count);
    return code == 0 ? answer
                     : hak_judge_ask_block(&findings->judge,
                                           &(struct hak_judge_block){.process = f->process,
                                                                     .base = page->base,
                                                                     .birth = page->birth,
                                                                     .answer = answer});
}

/* Makes the page, prints it unless it is known, and stores it. */
static void report(struct hak_fault *f, struct hak_capture *capture,
                   struct hak_findings *findings) {
    struct hak_client *c = f->client;
    struct hak_report_request *request = &f->request, *shared = hak_mapping_report(&c->map);
    struct hak_report page;
    bool made;
    fill_context(f, capture);
    f->row = find_stored_row(f, capture);
    if (f->row)
        f->context.fault_row = f->row;
    /* Threads that failed since the copy was made are named, too; the area of a request that was
     * left may be another one's already. */
    for (uint32_t i = 0; i < HAK_REPORT_OTHERS && !f->is_left; i++) {
        uint32_t thread = atomic_load_explicit(&shared->others[i].thread, memory_order_acquire);
        memcpy((void *)&request->others[i], (const void *)&shared->others[i],
               sizeof request->others[i]);
        request->others[i].thread = thread;
    }
    if (f->context.is_light)
        hak_fault_store_watched(capture, f->process, request->calls, request->guarded_blocks);
    struct hak_frame *frames = make_page(f, capture, &page, &made);
    if (made) {
        enum hak_answer answer = judge(f, capture, findings, &page, frames);
        if (!f->is_left)
            shared->answer = answer;
        if (advance_state(shared, HAK_REPORT_WRITING, HAK_REPORT_PRINTING) &&
            answer == HAK_ANSWER_NEW)
            print(findings, c, page.text);
        if (answer != HAK_ANSWER_SUPPRESSED) /* the program waits for that, too */
            store_report(capture, findings, f, &page);
        else
            store_suppressed(capture, f->event);
        hak_report_free(&page);
    } else {
        if (advance_state(shared, HAK_REPORT_WRITING, HAK_REPORT_PRINTING))
            print_bare(findings, c, request);
        hak_rows_add_loss(&capture->rows, f->process, f->thread, f->ns, f->ns, 1,
                          HAK_LOSS_UNSTORED);
    }
    free(frames);
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* The time of now in the session; of a file, that of its end. */
static uint64_t now_in(const struct hak_client *c) {
    return hak_clock_ns(&c->clock, c->is_file ? c->file_end_ticks : hak_clock_ticks(&c->clock));
}

struct hak_fault *hak_fault_begin(struct hak_client *client) {
    struct hak_report_request *shared = hak_mapping_report(&client->map);
    bool is_left = advance_state(shared, HAK_REPORT_LEFT, HAK_REPORT_KEEPING);
    bool is_last_try = !is_left && advance_state(shared, HAK_REPORT_KEEPING, HAK_REPORT_KEEPING);
    if (!is_left && !is_last_try && !advance_state(shared, HAK_REPORT_READY, HAK_REPORT_WRITING) &&
        !advance_state(shared, HAK_REPORT_PRINTING, HAK_REPORT_WRITING) &&
        !advance_state(shared, HAK_REPORT_WRITING, HAK_REPORT_WRITING))
        return NULL;
    struct hak_fault *f = calloc(1, sizeof *f);
    if (!f) /* the next round tries again */
        return NULL;
    f->client = client;
    f->is_left = is_left || is_last_try;
    memcpy((void *)&f->request, (const void *)shared, sizeof f->request);
    if (is_last_try) { /* it may be the request that the worker died of */
        (void)advance_state(shared, HAK_REPORT_KEEPING, HAK_REPORT_IDLE);
        wake(shared);
    }
    f->ns = now_in(client);
    return f;
}

void hak_fault_count_untaken(struct hak_client *client, struct hak_capture *capture) {
    const volatile struct hak_report_request *area = hak_mapping_report(&client->map);
    uint32_t index = area->process < HAK_PROCESSES ? area->process : 0;
    uint64_t ns = now_in(client);
    if (hak_fault_is_wanted(client) && area->facts.fault != HAK_FAULT_MEMORY_LEAK)
        hak_rows_add_loss(&capture->rows, hak_client_process_row(client, &capture->rows, index, ns),
                          0, ns, ns, 1, HAK_LOSS_UNSTORED);
}

bool hak_fault_awaits_event(struct hak_fault *fault) {
    const struct hak_client *c = fault->client;
    const struct hak_report_request *r = &fault->request;
    if (c->last_fault_event && c->last_fault_ring == r->ring &&
        c->last_fault_position == r->fault_position)
        fault->event = c->last_fault_event;
    return !fault->event && r->ring < HAK_RINGS && fault->rounds++ < ROUNDS_MAX &&
           (fault->rounds == 1 || c->rings[r->ring].position <= r->fault_position);
}

/* The address as the fault's record has it. */
static uint64_t recorded_address(const struct hak_report_request *r) {
    struct hak_event_fields fields = {.address = r->facts.found_address};
    struct hak_record record = hak_record_pack_narrow(&fields);
    return hak_record_address_of(&record);
}

/* Notes the event of the fault itself. 1 ends the search: it is this one. */
static int note_own_event(void *context, const struct hak_event *event) {
    struct hak_fault *fault = context;
    const struct hak_report_request *r = &fault->request;
    if (event->address != recorded_address(r) ||
        event->size != (r->facts.fault | (uint64_t)r->signal << 32))
        return 0;
    fault->event = event->id;
    return 1;
}

/* Looks in the store for the fault's own event, which the worker before, if it died over the
 * report, may have stored, or this one with a later fault's. A record that was lost has none: a
 * like one that is found is another fault's. */
static void find_stored_event(struct hak_fault *fault) {
    const struct hak_report_request *r = &fault->request;
    const struct hak_client *c = fault->client;
    struct hak_filter filter = {.address = recorded_address(r),
                                .process = fault->process,
                                .kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64),
                                .class_index = -1};
    const struct hak_ring_cursor *cursor = r->ring < HAK_RINGS ? &c->rings[r->ring] : NULL;
    if (cursor && cursor->position > r->fault_position &&
        !hak_client_has_lost(cursor, r->fault_position))
        hak_store_scan(fault->reader, &filter, true, note_own_event, fault);
}

/* Resolves the stored stacks of the block; of a crash also those of the blocks at its address and
 * registers. */
static void resolve_stored(struct hak_fault *fault, struct hak_capture *capture) {
    const struct hak_report_request *r = &fault->request;
    resolve_history(capture, fault->reader, fault->process, fault->thread, &r->facts);
    if (r->signal != 0)
        resolve_pointed(capture, fault->reader, fault->process, r);
}

void hak_fault_prepare(struct hak_fault *fault, struct hak_capture *capture) {
    struct hak_report_request *r = &fault->request;
    uint32_t index = r->process < HAK_PROCESSES ? r->process : 0;
    fault->process = hak_client_process_row(fault->client, &capture->rows, index, fault->ns);
    if (r->facts.fault == HAK_FAULT_MEMORY_LEAK) /* its page is made already */
        return;
    hak_resolve_begin_report(&capture->resolve);
    fault->thread = hak_rows_thread(&capture->rows, fault->process, r->thread, 0, fault->ns);
    if (fault->client->map.head.machine == HAK_ELF_MACHINE) /* libunwind knows no other */
        hak_second_opinion_take(r, &capture->rows, fault->process, &fault->second);
    if (fault->second.verdict == HAK_OPINION_FURTHER) {
        memcpy(r->frames, fault->second.frames, fault->second.count * sizeof *r->frames);
        r->frame_count = fault->second.count;
    }
    if (!capture->writer ||
        hak_store_attach(hak_store_writer_database(capture->writer)->connection, &fault->reader))
        return;
    if (!fault->event)
        find_stored_event(fault);
    resolve_stored(fault, capture);
}

/* Keeps the fault, as its row gets its names later: the fingerprint shall be that of a report that
 * had them. False: it has all, or LATE_MAX are kept. */
static bool keep_late(struct hak_fault *fault, const struct hak_capture *capture,
                      struct hak_findings *findings) {
    if (fault->row == 0 || !capture->resolve.report.late[0] || findings->late_count == LATE_MAX)
        return false;
    hak_store_close(fault->reader);
    fault->reader = NULL;
    fault->client = NULL;
    fault->next_late = findings->late;
    findings->late = fault;
    findings->late_count++;
    return true;
}

void hak_fault_finish(struct hak_fault *fault, struct hak_capture *capture,
                      struct hak_findings *findings) {
    struct hak_report_request *shared = hak_mapping_report(&fault->client->map);
    if (fault->request.facts.fault == HAK_FAULT_MEMORY_LEAK) {
        const char *page = hak_leaks_page(&findings->leaks, fault->process);
        if (advance_state(shared, HAK_REPORT_WRITING, HAK_REPORT_PRINTING) && page)
            print(findings, fault->client, page);
    } else {
        report(fault, capture, findings);
    }
    release_program(fault);
    if (!keep_late(fault, capture, findings))
        free_fault(fault);
}

/* ---- late names ------------------------------------------------------------------------------ */

/* Makes the report of a stored fault again with names that came late, and stores it in the place of
 * the first one. */
static void store_again(struct hak_fault *f, struct hak_capture *capture) {
    struct hak_report page;
    bool made;
    capture->resolve.report = (struct hak_resolve_report){.left_ms = 0};
    if (hak_store_attach(hak_store_writer_database(capture->writer)->connection, &f->reader) != 0)
        return;
    resolve_stored(f, capture);
    hak_capture_store_frames(capture);
    struct hak_frame *frames = make_page(f, capture, &page, &made);
    if (made && hak_capture_begin(capture))
        (void)hak_capture_end(capture, put_report(capture, f, &page));
    if (made)
        hak_report_free(&page);
    free(frames);
}

void hak_fault_settle_late(struct hak_findings *findings, struct hak_capture *capture) {
    struct hak_fault *list = findings->late;
    struct hak_resolve_report before = capture->resolve.report;
    bool had_late = list != NULL;
    findings->late = NULL;
    findings->late_count = 0;
    while (list) {
        struct hak_fault *f = list;
        list = f->next_late;
        if (capture->writer)
            store_again(f, capture);
        if (!keep_late(f, capture, findings)) /* a file that was first asked for now */
            free_fault(f);
    }
    if (had_late && !findings->late && hak_capture_begin(capture))
        (void)hak_capture_end(capture, put_late(capture, 0));
    capture->resolve.report = before;
}

void hak_fault_free_late(struct hak_findings *findings) {
    while (findings->late) {
        struct hak_fault *f = findings->late;
        findings->late = f->next_late;
        free_fault(f);
    }
}

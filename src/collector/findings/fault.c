/* Makes the report of a fault and prints it, whatever else fails. */
#include "collector/findings/fault.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/bytes.h"
#include "report/text/text.h"
#include "report/page/page.h"
#include "store/history/history.h"
#include "collector/findings/second_opinion.h"

#define HAK_FAULT_OF_LEAKS 401 /* faults.def, MEMORY_LEAK */
#define FRAMES_MAX         (4 * HAK_REPORT_FRAMES)
#define KEPT_FRAMES_MAX    (4 * HAK_REPORT_LIFE_FRAMES)
#define THREADS_MAX        32 /* of the block's history whose creation is resolved */
#define STACKS_MAX         96 /* of the block's history that are resolved before the page is made */
#define ROUNDS_MAX         10000
#define LOWEST_BLOCK       4096 /* nothing is mapped below */
#define PLACE_FRAMES       32   /* with inlined ones */

bool hak_fault_is_wanted(const struct hak_client *client) {
    uint32_t state =
        atomic_load_explicit(&hak_mapping_report(&client->map)->state, memory_order_acquire);
    /* WRITING, PRINTING: a worker died over it; this one writes it. */
    return state == HAK_REPORT_READY || state == HAK_REPORT_WRITING || state == HAK_REPORT_PRINTING;
}

/* False: the program has given up waiting meanwhile. */
static bool go_on(struct hak_report_request *area, enum hak_report_state from,
                  enum hak_report_state to) {
    uint32_t state = from;
    return atomic_compare_exchange_strong(&area->state, &state, to);
}

static void let_go(struct hak_client *c) {
    struct hak_report_request *r = hak_mapping_report(&c->map);
    if (!go_on(r, HAK_REPORT_PRINTING, HAK_REPORT_DONE) &&
        !go_on(r, HAK_REPORT_WRITING, HAK_REPORT_DONE))
        return;
    syscall(SYS_futex, &r->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* What is written to regular file `fd` goes behind a byte that ends no line. `fd` may be
 * write-only; false where the file may not be read. */
static bool file_ends_unfinished(int fd, const struct stat *file) {
    char path[32], last = '\n';
    off_t end = fcntl(fd, F_GETFL) & O_APPEND ? file->st_size : lseek(fd, 0, SEEK_CUR);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reading = end > 0 ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
    if (reading < 0)
        return false;
    bool is_there = pread(reading, &last, 1, end - 1) == 1;
    close(reading);
    return is_there && last != '\n';
}

/* A report begins a line: the program may have left one unfinished. A terminal does not tell, nor
 * does a pipe, whose reader may take an empty line for something. */
static void begin_line(int fd) {
    struct stat file;
    if (fstat(fd, &file) != 0)
        return;
    if (S_ISREG(file.st_mode) ? file_ends_unfinished(fd, &file) : isatty(fd))
        (void)hak_write_fully(fd, "\n", 1);
}

/* The file that the report goes into, "" = stderr. What a process of another user names is written
 * with this user's rights only where `run` or a process of this user named it, too. */
static const char *log_of(const struct hak_worker *w, const struct hak_client *c) {
    if (w->config.log_path[0])
        return w->config.log_path;
    bool may_write = c->map.is_own_user || strcmp(c->map.log_path, w->own_log_path) == 0;
    return may_write ? c->map.log_path : "";
}

static void print(const struct hak_worker *w, const struct hak_client *c, const char *text) {
    if (c->is_file) /* the program has said it, as far as it could */
        return;
    const char *path = log_of(w, c);
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
    /* A FIFO that nobody reads is not waited for. */
    int fd = path[0] == '/' ? open(path, flags | O_NONBLOCK, 0600) : -1;
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_APPEND);
    struct hak_text colored = {0};
    if (fd < 0 && hak_color_is_wanted((enum hak_color)w->config.color, STDERR_FILENO))
        hak_color_report(&colored, text);
    bool has_color = colored.length > 0 && !colored.failed;
    begin_line(fd >= 0 ? fd : STDERR_FILENO);
    text = has_color ? colored.bytes : text;
    (void)hak_write_fully(fd >= 0 ? fd : STDERR_FILENO, text, strlen(text));
    hak_text_free(&colored);
    if (fd >= 0)
        close(fd);
}

/* Commits until the FAULT record is in the store; its event's id, 0 when it does not come. */
static uint64_t store_fault_event(struct hak_worker *w, struct hak_client *c,
                                  const struct hak_report_request *request) {
    for (int round = 0; round < ROUNDS_MAX; round++) {
        if (c->last_fault_event && c->last_fault_ring == request->ring &&
            c->last_fault_position == request->fault_position)
            return c->last_fault_event;
        if (request->ring >= HAK_RINGS ||
            (round > 0 && c->rings[request->ring].position > request->fault_position))
            break;
        hak_worker_commit(w);
    }
    return 0;
}

struct wanted_stacks {
    uint32_t stacks[STACKS_MAX];
    uint32_t threads[THREADS_MAX]; /* rows, each once */
    int count, thread_count;
};

static void note_thread(struct wanted_stacks *wanted, uint32_t thread) {
    for (int i = 0; i < wanted->thread_count; i++)
        if (wanted->threads[i] == thread)
            return;
    if (thread != 0 && wanted->thread_count < THREADS_MAX)
        wanted->threads[wanted->thread_count++] = thread;
}

static int note_stack(void *context, const struct hak_event *event) {
    struct wanted_stacks *wanted = context;
    if (wanted->count == STACKS_MAX)
        return 1;
    if (event->stack)
        wanted->stacks[wanted->count++] = event->stack;
    note_thread(wanted, event->thread);
    return 0;
}

/* The names of the frames at which the thread was created; returns the row of who did it. */
static uint32_t resolve_origin(struct hak_worker *w, uint32_t thread) {
    const struct hak_thread_info *t = hak_rows_thread_info(&w->rows, thread);
    if (!t)
        return 0;
    if (t->row.stack)
        hak_resolve_stack(&w->resolve, &w->rows, t->row.stack);
    return t->row.creator ? hak_rows_known_thread(&w->rows, t->row.process, t->row.creator) : 0;
}

static void resolve_wanted(struct hak_worker *w, const struct wanted_stacks *wanted) {
    for (int i = 0; i < wanted->count; i++)
        hak_resolve_stack(&w->resolve, &w->rows, wanted->stacks[i]);
    for (int i = 0; i < wanted->thread_count; i++)
        (void)resolve_origin(w, resolve_origin(w, wanted->threads[i]));
}

/* The names of the frames that the page will show: of the newest events at the fault's addresses.
 */
static void resolve_history(struct hak_worker *w, struct hak_store_reader *reader, uint32_t process,
                            uint32_t thread, const struct hak_fault_facts *facts) {
    struct wanted_stacks wanted = {.count = 0};
    note_thread(&wanted, thread);
    uint64_t addresses[] = {facts->base, facts->found_address, facts->user};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct hak_filter filter = {.address = addresses[i], .process = process, .class_index = -1};
        if (addresses[i])
            hak_store_scan(reader, &filter, true, note_stack, &wanted);
    }
    resolve_wanted(w, &wanted);
}

/* The names of the frames at which blocks that a crash points into were taken and given back. */
static void resolve_pointed(struct hak_worker *w, struct hak_store_reader *reader, uint32_t process,
                            const struct hak_report_request *request) {
    struct wanted_stacks wanted = {.count = 0};
    for (int i = 0; i < HAK_REPORT_OTHERS; i++)
        if (request->others[i].thread)
            note_thread(&wanted,
                        hak_rows_known_thread(&w->rows, process, request->others[i].thread));
    for (int i = -1; i < HAK_REPORT_REGISTERS; i++) {
        uint64_t address = i < 0 ? request->signal_address : request->registers[i];
        struct hak_story *story = NULL;
        if (address < LOWEST_BLOCK || hak_story_tell(reader, address, process, 0, &story) <= 0)
            continue;
        const struct hak_life *life =
            story->life_count > 0 ? &story->lives[story->life_count - 1] : NULL;
        if (life)
            note_stack(&wanted, &life->birth);
        for (int k = 0; life && k < life->end_count; k++)
            note_stack(&wanted, &life->ends[k]);
        hak_story_free(story);
    }
    resolve_wanted(w, &wanted);
}

static void store_report(struct hak_worker *w, const struct hak_report_context *context,
                         uint32_t code, const struct hak_report *report) {
    struct hak_fault_row row = {.id = w->next_fault,
                                .code = code,
                                .event = report->event,
                                .ns = context->ns,
                                .process = context->process,
                                .thread = context->thread,
                                .summary = report->summary,
                                .report = report->text,
                                .json = report->json,
                                .fingerprint = report->fingerprint};
    if (!w->writer || hak_store_begin(w->writer) != 0)
        return;
    if (hak_store_put_fault(w->writer, &row) != 0 || hak_store_commit(w->writer) != 0) {
        hak_store_rollback(w->writer);
        return;
    }
    w->next_fault++;
}

static void print_bare(struct hak_worker *w, const struct hak_client *c,
                       const struct hak_report_request *r) {
    char line[256];
    snprintf(
        line, sizeof line,
        "hakmem: HKM-%u found at address 0x%llx (signal %u); no memory is left for the report\n",
        r->facts.fault, (unsigned long long)r->facts.found_address, r->signal);
    print(w, c, line);
}

/* The places that the page names beside the fault's own stack. */
static void find_places(struct hak_worker *w, const struct hak_report_request *request,
                        uint32_t process, struct hak_report_context *context) {
    struct hak_frame frames[PLACE_FRAMES];
    int count = 0;
    int ips = 0;
    while (ips < HAK_REPORT_HANDLER_FRAMES && request->handler_frames[ips] != 0)
        ips++;
    if (request->handler_signal && ips > 0) {
        count = hak_resolve_frames(&w->resolve, &w->rows, process, request->handler_frames, ips,
                                   true, frames, PLACE_FRAMES);
        hak_report_place(context->handler_place, HAK_PLACE_BYTES, frames, count);
    }
    for (int i = 0; i < HAK_REPORT_OTHERS; i++)
        if (request->others[i].thread) {
            count = hak_resolve_frames(&w->resolve, &w->rows, process, &request->others[i].ip, 1,
                                       true, frames, PLACE_FRAMES);
            hak_report_place(context->other_place[i], HAK_PLACE_BYTES, frames, count);
        }
}

/* A stack that the program kept itself: ips of return addresses, ended by 0. */
static int find_kept(struct hak_worker *w, uint32_t process, const uint64_t *ips,
                     struct hak_frame **frames) {
    int count = 0;
    while (count < HAK_REPORT_LIFE_FRAMES && ips[count] != 0)
        count++;
    *frames = count > 0 ? calloc(KEPT_FRAMES_MAX, sizeof **frames) : NULL;
    if (!*frames)
        return 0;
    return hak_resolve_frames(&w->resolve, &w->rows, process, ips, count, false, *frames,
                              KEPT_FRAMES_MAX);
}

/* Where the threads were created that the program told of itself. */
static void find_creations(struct hak_worker *w, uint32_t process,
                           const struct hak_report_request *request,
                           struct hak_report_context *context,
                           struct hak_frame *frames[HAK_REPORT_CREATIONS]) {
    for (int i = 0; i < HAK_REPORT_CREATIONS; i++) {
        const struct hak_report_creation *from = &request->creations[i];
        struct hak_kept_creation *to = &context->creations[i];
        *to = (struct hak_kept_creation){.thread = from->thread, .creator = from->creator};
        to->frame_count = find_kept(w, process, from->frames, &frames[i]);
        to->frames = frames[i];
    }
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

static void make(struct hak_worker *w, struct hak_client *c, struct hak_report_request *request,
                 struct hak_report_request *shared, uint64_t now_ns) {
    struct hak_second_opinion second;
    struct hak_frame *frames = calloc(FRAMES_MAX, sizeof *frames);
    struct hak_store_reader *reader = NULL;
    uint64_t event = store_fault_event(w, c, request);
    uint32_t index = request->process < HAK_PROCESSES ? request->process : 0;
    uint32_t process = hak_client_process_row(c, &w->rows, index, now_ns);
    uint32_t thread = hak_rows_thread(&w->rows, process, request->thread, 0, now_ns);
    const struct hak_thread_info *t = hak_rows_thread_info(&w->rows, thread);
    hak_second_opinion_take(request, &w->rows, process, &second);
    if (second.verdict == HAK_OPINION_FURTHER) {
        memcpy(request->frames, second.frames, second.count * sizeof *second.frames);
        request->frame_count = second.count;
    }
    uint32_t count =
        request->frame_count < HAK_REPORT_FRAMES ? request->frame_count : HAK_REPORT_FRAMES;
    if (w->writer &&
        hak_store_attach(hak_store_writer_database(w->writer)->connection, &reader) == 0) {
        resolve_history(w, reader, process, thread, &request->facts);
        if (request->signal != 0)
            resolve_pointed(w, reader, process, request);
        hak_worker_commit(w);
    }
    char *arguments;
    size_t argument_bytes = copy_arguments(c, &arguments);
    struct hak_report_context context = {.process = process,
                                         .thread = thread,
                                         .thread_number = request->thread,
                                         .thread_name = t ? t->row.name : "",
                                         .fault_row = w->next_fault,
                                         .fault_event = event,
                                         .ns = now_ns,
                                         .store_path = w->store_path,
                                         .frames = frames,
                                         .second = &second,
                                         .arguments = arguments,
                                         .argument_bytes = argument_bytes,
                                         .is_trace = c->map.level == 0,
                                         .signal = request->signal};
    struct hak_event found;
    if (reader && event && hak_store_event(reader, event, &found) == 1)
        context.ns = found.ns;
    if (request->is_unrecorded)
        context.ns = 0; /* there is no capture whose time it could be */
    /* Threads that failed since the copy was made are named, too. */
    memcpy((void *)request->others, (const void *)shared->others, sizeof request->others);
    find_places(w, request, process, &context);
    if (frames)
        context.frame_count =
            hak_resolve_frames(&w->resolve, &w->rows, process, request->frames, (int)count,
                               request->signal != 0, frames, FRAMES_MAX);
    struct hak_frame *alloc_frames, *free_frames, *clean_frames;
    context.alloc_frame_count = find_kept(w, process, request->alloc_frames, &alloc_frames);
    context.free_frame_count = find_kept(w, process, request->free_frames, &free_frames);
    context.alloc_frames = alloc_frames;
    context.free_frames = free_frames;
    context.clean_frame_count = find_kept(w, process, request->clean_frames, &clean_frames);
    context.clean_frames = clean_frames;
    struct hak_frame *origin_frames[HAK_REPORT_CREATIONS];
    find_creations(w, process, request, &context, origin_frames);
    if (request->facts.clean_ticks && !request->is_unrecorded)
        context.clean_ns = hak_clock_ns(&c->clock, request->facts.clean_ticks);
    struct hak_report report;
    if (hak_report_make(reader, request, &context, &report) == 0) {
        enum hak_answer answer =
            hak_worker_judge(w, c, request->facts.fault, report.fingerprint, frames,
                             context.frame_count, report.allocated.frame, report.allocated.count);
        shared->answer = answer;
        if (go_on(shared, HAK_REPORT_WRITING, HAK_REPORT_PRINTING) && answer == HAK_ANSWER_NEW)
            print(w, c, report.text);
        if (answer != HAK_ANSWER_SUPPRESSED) /* the program waits for that, too */
            store_report(w, &context, request->facts.fault, &report);
        hak_report_free(&report);
    } else if (go_on(shared, HAK_REPORT_WRITING, HAK_REPORT_PRINTING)) {
        print_bare(w, c, request);
    }
    if (reader)
        hak_store_close(reader);
    free(arguments);
    free(alloc_frames);
    free(free_frames);
    free(clean_frames);
    for (int i = 0; i < HAK_REPORT_CREATIONS; i++)
        free(origin_frames[i]);
    free(frames);
}

/* The page of leaks is made when their records are stored. */
static void report_leaks(struct hak_worker *w, struct hak_client *c,
                         const struct hak_report_request *request,
                         struct hak_report_request *shared, uint64_t now_ns) {
    uint32_t index = request->process < HAK_PROCESSES ? request->process : 0;
    uint32_t process = hak_client_process_row(c, &w->rows, index, now_ns);
    (void)store_fault_event(w, c, request);
    const char *page = hak_leaks_page(&w->leaks, process);
    if (go_on(shared, HAK_REPORT_WRITING, HAK_REPORT_PRINTING) && page)
        print(w, c, page);
}

void hak_fault_report(struct hak_worker *worker, struct hak_client *client) {
    struct hak_report_request *shared = hak_mapping_report(&client->map);
    if (!go_on(shared, HAK_REPORT_READY, HAK_REPORT_WRITING) &&
        !go_on(shared, HAK_REPORT_PRINTING, HAK_REPORT_WRITING) &&
        !go_on(shared, HAK_REPORT_WRITING, HAK_REPORT_WRITING))
        return;
    struct hak_report_request *request = malloc(sizeof *request);
    if (request) {
        /* A copy: the program may write into the area at any moment. */
        memcpy((void *)request, (const void *)shared, sizeof *request);
        uint64_t ns =
            hak_clock_ns(&client->clock, client->is_file ? client->file_end_ticks
                                                         : hak_clock_ticks(&client->clock));
        if (request->facts.fault == HAK_FAULT_OF_LEAKS)
            report_leaks(worker, client, request, shared, ns);
        else
            make(worker, client, request, shared, ns);
        free(request);
    }
    let_go(client);
}

/* Makes the stores that the exact-output tests ask: the same bytes of story in every run.
 *
 *   make_store DIRECTORY   writes stale.db offset.db overflow.db lost.db resized.db hostile.db
 *                          empty.db tree.db crossed.db many.db places.db and superslabs.db there
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/page/page.h"
#include "tools/put_events.h"
#include "check.h"
#include "hop.h"
#include "size_class.h"
#include "store/writer/writer.h"

#define PROGRAM_BASE 0x555555554000ull
#define LIBRARY_BASE 0x7ffff7a00000ull
#define SUPERSLAB    0x5581a8c00000ull
#define SECOND       1000000000ull

/* Functions of the recorded program: each has one line, reached through `main`. */
enum {
    NOWHERE,
    MAIN,
    SESSION_NEW,
    SESSION_CLOSE,
    HEADER_PARSE,
    HEADER_DONE,
    REPLY_NEW,
    REPLY_DONE,
    PARSE_ROW,
    WORKER_LOOP,
    START_THREADS,
    SITES
};
static const struct {
    const char *function, *file;
    unsigned line;
} sites[SITES] = {
    [MAIN] = {"main", "/home/user/app/server.c", 20},
    [SESSION_NEW] = {"session_new", "/home/user/app/server.c", 118},
    [SESSION_CLOSE] = {"session_close", "/home/user/app/server.c", 131},
    [HEADER_PARSE] = {"header_parse", "/home/user/app/http.c", 77},
    [HEADER_DONE] = {"header_done", "/home/user/app/http.c", 90},
    [REPLY_NEW] = {"reply_new", "/home/user/app/http.c", 140},
    [REPLY_DONE] = {"reply_done", "/home/user/app/http.c", 152},
    [PARSE_ROW] = {"parse_row", "/home/user/app/parse.c", 210},
    [WORKER_LOOP] = {"worker_loop", "/home/user/app/worker.c", 41},
    [START_THREADS] = {"start_threads", "/home/user/app/server.c", 64},
};
/* hakmem's own frames, for moves between layers. */
enum { OWN_MALLOC = 1, OWN_FREE, OWN_FLUSH, OWN_POP, OWN_SITES };
static const struct {
    const char *function, *file;
    unsigned line;
} own_sites[OWN_SITES] = {
    [OWN_MALLOC] = {"malloc", "/build/hakmem/src/entry/malloc.c", 38},
    [OWN_FREE] = {"free", "/build/hakmem/src/entry/malloc.c", 61},
    [OWN_FLUSH] = {"magazine_flush", "/build/hakmem/src/front/magazine.c", 88},
    [OWN_POP] = {"sll_pop", "/build/hakmem/src/front/sll.c", 52},
};

static struct hak_store_writer *writer;
static struct hak_event events[64];
static size_t event_count;
static struct {
    uint64_t base, generation;
} blocks[32]; /* of this store; a generation counts the records of one block */

static void must(int result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "make_store: %s: %s\n", what, hak_store_message());
    exit(1);
}

/* Stack ids: site s of the program is node s (its caller is main); a stack of hakmem over a site is
 * node 100 + 10 * own + site's caller chain, put when it is used. */
static uint32_t own_stack(unsigned own, unsigned below) {
    static uint32_t next = 100;
    struct hak_node_row row = {.id = ++next,
                               .parent = below,
                               .process = 1,
                               .generation = 0,
                               .ip = LIBRARY_BASE + own * 0x100};
    must(hak_store_put_node(writer, &row), "node");
    return row.id;
}

static void put_sites(const char *program) {
    struct hak_module_row modules[2] = {
        {.id = 1,
         .process = 1,
         .start = PROGRAM_BASE,
         .end = PROGRAM_BASE + 0x10000,
         .load_bias = PROGRAM_BASE,
         .path = program,
         .build_id = "0011223344"},
        {.id = 2,
         .process = 1,
         .start = LIBRARY_BASE,
         .end = LIBRARY_BASE + 0x10000,
         .load_bias = LIBRARY_BASE,
         .path = "/usr/lib/hakmem/hakmem-debug.so",
         .build_id = "55"},
    };
    must(hak_store_put_module(writer, &modules[0]), "module");
    must(hak_store_put_module(writer, &modules[1]), "module");
    for (unsigned i = MAIN; i < SITES; i++) {
        struct hak_frame_row frame = {.module = 1,
                                      .offset = i * 0x100,
                                      .line = sites[i].line,
                                      .function = sites[i].function,
                                      .file = sites[i].file};
        struct hak_node_row node = {
            .id = i, .parent = i == MAIN ? 0 : MAIN, .process = 1, .ip = PROGRAM_BASE + i * 0x100};
        must(hak_store_put_frame(writer, &frame), "frame");
        must(hak_store_put_node(writer, &node), "node");
    }
    for (unsigned i = OWN_MALLOC; i < OWN_SITES; i++) {
        struct hak_frame_row frame = {.module = 2,
                                      .offset = i * 0x100,
                                      .line = own_sites[i].line,
                                      .function = own_sites[i].function,
                                      .file = own_sites[i].file};
        must(hak_store_put_frame(writer, &frame), "frame");
    }
}

static void begin(const char *directory, const char *name, const char *program,
                  const char *thread_name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    must(hak_store_create(path, 1, &writer), "create");
    event_count = 0;
    memset(blocks, 0, sizeof blocks);
    must(hak_store_begin(writer), "begin");
    struct hak_process_row process = {.id = 1,
                                      .pid = 4711,
                                      .parent_pid = 4000,
                                      .session = 1,
                                      .start_time = 1,
                                      .end_ns = 2 * SECOND,
                                      .end_kind = 1,
                                      .free_of_null = 7,
                                      .program = program,
                                      .command_line = program};
    struct hak_thread_row threads[3] = {
        {.id = 1, .process = 1, .number = 1, .tid = 4711, .end_ns = 2 * SECOND, .name = "main"},
        {.id = 2,
         .process = 1,
         .number = 2,
         .tid = 4712,
         .end_ns = 2 * SECOND,
         .name = thread_name,
         .creator = 1,
         .stack = START_THREADS},
        {.id = 3,
         .process = 1,
         .number = 3,
         .tid = 4713,
         .end_ns = 2 * SECOND,
         .name = "io",
         .creator = 1,
         .stack = START_THREADS},
    };
    must(hak_store_put_process(writer, &process), "process");
    for (int i = 0; i < 3; i++)
        must(hak_store_put_thread(writer, &threads[i]), "thread");
    must(hak_store_put_meta(writer, "program", program), "meta");
    must(hak_store_put_meta(writer, "command_line", program), "meta");
    must(hak_store_put_meta(writer, "started", "1760000000000000000"), "meta");
    put_sites(program);
}

static uint64_t next_generation(uint64_t base) {
    size_t i = 0;
    while (blocks[i].base != base && blocks[i].base != 0)
        i++;
    must(i < sizeof blocks / sizeof *blocks - 1 ? 0 : -1, "too many blocks");
    if (blocks[i].base == 0)
        blocks[i].generation = (uint64_t)(i + 1) << 32;
    blocks[i].base = base;
    return ++blocks[i].generation;
}

/* A slot, and where in it the program's bytes begin. */
struct slot {
    uint64_t base, address;
    unsigned class_index;
};
static struct slot slot_of_64(uint64_t base) {
    return (struct slot){base, base, HAK_CLASS_OF_64};
}
static struct slot slot_of_48(uint64_t base) {
    return (struct slot){base, base + 16, HAK_CLASS_OF_48};
}
static struct slot large_slot(uint64_t base) {
    return (struct slot){base, base, HAK_CLASS_NONE};
}

static struct hak_event *add(unsigned kind, uint64_t ns, uint32_t thread, struct slot slot,
                             unsigned place, uint32_t stack, uint64_t size) {
    struct hak_event *event = &events[event_count++];
    *event = (struct hak_event){
        .id = event_count,
        .ns = ns,
        .address = slot.address,
        .base = slot.base,
        .size = size,
        .generation = kind == HAK_FAULT ? 0 : next_generation(slot.base),
        .process = 1,
        .thread = thread,
        .stack = stack,
        .kind = (uint8_t)kind,
        .class_index = (uint8_t)slot.class_index,
        .place = (uint8_t)place,
    };
    return event;
}

/* A call about a block of the class of 64 bytes in a front. */
static struct hak_event *call(unsigned kind, uint64_t ns, uint32_t thread, uint64_t block,
                              uint32_t stack, uint64_t size) {
    return add(kind, ns, thread, slot_of_64(block), HAK_PLACE_FRONT, stack, size);
}

static void end(void) {
    must(put_events(writer, events, event_count), "events");
    must(hak_store_commit(writer), "commit");
}

static void finish(void) {
    must(hak_store_finish(writer), "finish");
    writer = NULL;
}

static struct hak_frame frame_of(unsigned site) {
    return (struct hak_frame){.ip = PROGRAM_BASE + site * 0x100,
                              .module = "/home/user/app/server",
                              .module_offset = site * 0x100,
                              .function = sites[site].function,
                              .file = sites[site].file,
                              .line = sites[site].line};
}

static struct hak_frame own_frame_of(unsigned site) {
    return (struct hak_frame){.ip = LIBRARY_BASE + site * 0x100,
                              .module = "/usr/lib/hakmem/hakmem-debug.so",
                              .module_offset = site * 0x100,
                              .function = own_sites[site].function,
                              .file = own_sites[site].file,
                              .line = own_sites[site].line,
                              .is_hakmem = true};
}

/* Adds the fault that was found at `wrong`, in the program at `site` within `own`. */
static struct hak_event *add_fault(unsigned code, uint64_t ns, const struct hak_event *wrong,
                                   unsigned place, uint32_t site) {
    struct slot slot = {wrong->base, wrong->address, wrong->class_index};
    struct hak_event *fault = add(HAK_FAULT, ns, wrong->thread, slot, place, site, code);
    fault->generation = wrong->generation;
    return fault;
}

/* Has the report made by hakmem itself, from what the store holds, and puts it there: `facts` is
 * what the fault's event does not tell, `own` are hakmem's functions above its stack. */
static void put_fault(const struct hak_event *fault, struct hak_fault_facts facts,
                      const char *thread_name, const char *store, const unsigned own[3]) {
    struct hak_store_reader *reader;
    struct hak_report report;
    struct hak_frame frames[5];
    struct hak_report_context context = {.process = 1,
                                         .thread = fault->thread,
                                         .thread_number = fault->thread,
                                         .thread_name = thread_name,
                                         .fault_event = fault->id,
                                         .ns = fault->ns,
                                         .store_path = store,
                                         .frames = frames};
    for (; *own; own++)
        frames[context.frame_count++] = own_frame_of(*own);
    frames[context.frame_count++] = frame_of(fault->stack);
    frames[context.frame_count++] = frame_of(MAIN);
    static struct hak_report_request request;
    request.facts = facts;
    request.facts.fault = (uint32_t)fault->size;
    request.facts.found_address = request.facts.user = fault->address;
    request.facts.base = fault->base;
    request.facts.superslab = SUPERSLAB;
    request.facts.class_due = fault->class_index;
    request.facts.place = fault->place;
    request.facts.record_count = (uint32_t)fault->generation;
    request.facts.epoch = (uint32_t)(fault->generation >> 32);
    must(hak_store_attach(hak_store_writer_database(writer)->connection, &reader), "attach");
    must(hak_report_make(reader, &request, &context, &report), "report");
    hak_store_close(reader);
    struct hak_fault_row row = {.id = 1,
                                .code = (uint32_t)fault->size,
                                .event = fault->id,
                                .ns = fault->ns,
                                .process = 1,
                                .thread = fault->thread,
                                .summary = report.summary,
                                .report = report.text,
                                .json = report.json,
                                .fingerprint = report.fingerprint};
    must(hak_store_begin(writer), "begin");
    must(hak_store_put_fault(writer, &row), "fault");
    must(hak_store_commit(writer), "commit");
    hak_report_free(&report);
}

/* The old owner frees what has a new owner: three lives of one slot of 64 bytes. */
static void make_stale(const char *directory) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES + 65 * 64;
    begin(directory, "stale.db", "/home/user/app/server", "worker");
    call(HAK_MALLOC, 913000000, 1, block, SESSION_NEW, 56);
    call(HAK_MALLOC, 914000000, 1, block + 64, SESSION_NEW, 56);
    call(HAK_FREE, 1004000000, 1, block, SESSION_CLOSE, 56);
    call(HAK_MALLOC, 1004100000, 3, block, HEADER_PARSE, 52);
    call(HAK_FREE, 1019000000, 3, block, HEADER_DONE, 52);
    add(HAK_FRONT_SPILL, 1019100000, 3, slot_of_64(block), HAK_PLACE_SLAB, 0, 0);
    call(HAK_FRONT_REFILL, 1019200000, 3, block, 0, 0);
    call(HAK_MALLOC, 1019500000, 3, block, REPLY_NEW, 56);
    call(HAK_FREE, 1071000000, 1, block, SESSION_CLOSE, 56);
    struct hak_event *second = call(HAK_FREE, 1072000000, 3, block, REPLY_DONE, 56);
    second->flags = HAK_RECORD_ILLEGAL;
    struct hak_event *fault = add_fault(202, 1072100000, second, HAK_PLACE_FRONT, REPLY_DONE);
    end();
    put_fault(fault,
              (struct hak_fault_facts){.kind = HAK_FREE,
                                       .asked_bytes = 56,
                                       .slot_bytes = 64,
                                       .slab = 3,
                                       .slot = 65,
                                       .class_found = HAK_CLASS_NONE},
              "io", "hakmem.server.4711.db", (const unsigned[3]){OWN_FREE});
    finish();
}

/* The original's bug: a user pointer is pushed where the base was due, and popped later. */
static void make_offset(const char *directory) {
    const uint64_t base =
        SUPERSLAB + HAK_SLAB_BYTES + hak_first_slot_offset(HAK_CLASS_OF_48) + 220 * 48;
    const struct slot slot = slot_of_48(base);
    begin(directory, "offset.db", "/home/user/app/rows", "worker");
    add(HAK_MALLOC, 12400000000, 1, slot, HAK_PLACE_MAGAZINE, PARSE_ROW, 24);
    add(HAK_FREE, 12405000000, 2, slot, HAK_PLACE_MAGAZINE, WORKER_LOOP, 24);
    uint32_t push_stack = own_stack(OWN_FLUSH, own_stack(OWN_FREE, WORKER_LOOP));
    struct hak_event *push = add(HAK_SLL_PUSH, 12406000000, 2, slot, HAK_PLACE_SLL, push_stack, 0);
    push->flags = HAK_RECORD_ILLEGAL;
    add(HAK_MALLOC, 12500000000, 2, slot_of_48(base + 480), HAK_PLACE_MAGAZINE, PARSE_ROW, 24);
    struct hak_event *fault = add_fault(104, 12533000000, push, HAK_PLACE_SLL, PARSE_ROW);
    end();
    put_fault(fault,
              (struct hak_fault_facts){.kind = HAK_SLL_POP,
                                       .asked_bytes = 24,
                                       .slot_bytes = 48,
                                       .offset = 16,
                                       .slab = 1,
                                       .slot = 220,
                                       .class_found = HAK_CLASS_OF_48},
              "worker", "hakmem.rows.4711.db", (const unsigned[3]){OWN_POP, OWN_MALLOC});
    finish();
}

/* One byte behind a block is overwritten; nobody knows by whom. */
static void make_overflow(const char *directory) {
    const struct slot slot =
        slot_of_48(SUPERSLAB + HAK_SLAB_BYTES + hak_first_slot_offset(HAK_CLASS_OF_48) + 4 * 48);
    begin(directory, "overflow.db", "/home/user/app/rows", "worker");
    add(HAK_MALLOC, 100000000, 1, slot, HAK_PLACE_FRONT, HEADER_PARSE, 20);
    add(HAK_FREE, 200000000, 1, slot, HAK_PLACE_FRONT, HEADER_DONE, 20);
    struct hak_event *birth = add(HAK_MALLOC, 300000000, 1, slot, HAK_PLACE_FRONT, PARSE_ROW, 24);
    birth->subkind = HAK_BY_CALLOC;
    struct hak_event *fault = add_fault(301, 400000000, birth, HAK_PLACE_LIVE, WORKER_LOOP);
    end();
    put_fault(fault,
              (struct hak_fault_facts){.kind = HAK_FREE,
                                       .asked_bytes = 24,
                                       .slot_bytes = 48,
                                       .offset = 24,
                                       .slab = 1,
                                       .slot = 4,
                                       .class_found = HAK_CLASS_NONE,
                                       .damaged_bytes = 1},
              "main", "hakmem.rows.4711.db", (const unsigned[3]){OWN_FREE});
    finish();
}

/* A healthy capture in which events were lost. */
static void make_lost(const char *directory) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES;
    begin(directory, "lost.db", "/home/user/app/server", "worker");
    call(HAK_MALLOC, 100000000, 1, block, SESSION_NEW, 60);
    call(HAK_FREE, 900000000, 1, block, SESSION_CLOSE, 60);
    struct hak_loss_row loss = {.process = 1,
                                .thread = 1,
                                .from_ns = 200000000,
                                .to_ns = 300000000,
                                .count = 1234,
                                .reason = "ring full"};
    must(hak_store_put_loss(writer, &loss), "loss");
    end();
    finish();
}

/* The beginning of the block's life was dropped: a resize is all that is left. A second one was
 * never handed out. */
static void make_resized(const char *directory) {
    const uint64_t base = SUPERSLAB + 3 * HAK_SLAB_BYTES, block = base + 16;
    begin(directory, "resized.db", "/home/user/app/server", "worker");
    add(HAK_REALLOC, 100000000, 1, (struct slot){base, block, HAK_CLASS_OF_64}, HAK_PLACE_LIVE,
        SESSION_NEW, 40);
    add(HAK_FRONT_REFILL, 200000000, 1, slot_of_64(base + 64), HAK_PLACE_FRONT, 0, 0);
    end();
    finish();
}

/* Names from a program that wants to play with the reader's terminal. */
static void make_hostile(const char *directory) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES;
    begin(directory, "hostile.db", "/home/user/\033[2Jevil\nname", "\033]0;owned\007");
    call(HAK_MALLOC, 100000000, 2, block, SESSION_NEW, 60);
    end();
    finish();
}

static void make_empty(const char *directory) {
    begin(directory, "empty.db", "/home/user/app/server", "worker");
    must(hak_store_commit(writer), "commit");
    finish();
}

/* One process of tree.db; `program` is what it runs, `line` how it was called. */
static void put_process(struct hak_process_row row, const char *thread_name) {
    struct hak_thread_row thread = {.id = row.id + 2, /* the first process has three threads */
                                    .process = row.id,
                                    .number = 1,
                                    .tid = row.pid,
                                    .start_ns = row.start_ns,
                                    .end_ns = row.end_kind == 1 ? row.end_ns : 0,
                                    .name = thread_name};
    row.parent_pid = 4711;
    must(hak_store_put_process(writer, &row), "process");
    must(hak_store_put_thread(writer, &thread), "thread");
}

static void put_module(uint32_t id, uint32_t process, uint64_t start, uint64_t load,
                       uint64_t unload, uint32_t generation, const char *path) {
    struct hak_module_row row = {.id = id,
                                 .process = process,
                                 .generation = generation,
                                 .start = start,
                                 .end = start + 0x1000,
                                 .load_bias = start,
                                 .load_event = load,
                                 .unload_event = unload,
                                 .path = path,
                                 .build_id = ""};
    must(hak_store_put_module(writer, &row), "module");
}

static struct hak_event *add_of(uint32_t process, unsigned kind, uint64_t ns, uint64_t block,
                                uint64_t size, uint32_t stack) {
    struct hak_event *event = call(kind, ns, process == 1 ? 1 : process + 2, block, stack, size);
    event->process = process;
    return event;
}

/* A build: forks, programs that take the place of others, a pid that comes twice, a compiler that
 * is killed, and more children than one wants to see. */
static void make_tree(const char *directory) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES, other = block + 64;
    const uint64_t large = 0x7f0000001000ull;
    begin(directory, "tree.db", "/usr/bin/make", "worker");
    struct hak_process_row make = {.id = 1,
                                   .pid = 4711,
                                   .parent_pid = 4000,
                                   .session = 1,
                                   .start_time = 1,
                                   .end_ns = 2 * SECOND,
                                   .end_kind = 1,
                                   .exit_status = 2,
                                   .program = "/usr/bin/make",
                                   .command_line = "make -j2 all"};
    must(hak_store_put_process(writer, &make), "process");
    put_process((struct hak_process_row){.id = 2,
                                         .parent = 1,
                                         .fork_event = 3,
                                         .pid = 4712,
                                         .session = 1,
                                         .start_time = 10,
                                         .start_ns = 100000000,
                                         .end_ns = 101500000,
                                         .end_kind = 3,
                                         .exit_status = -1,
                                         .program = "/usr/bin/make",
                                         .command_line = "make -j2 all"},
                "make");
    put_process((struct hak_process_row){.id = 3,
                                         .parent = 1,
                                         .pid = 4712,
                                         .session = 2,
                                         .start_time = 10,
                                         .start_ns = 102000000,
                                         .end_ns = 900000000,
                                         .end_kind = 1,
                                         .exit_status = 1,
                                         .program = "/usr/bin/gcc-12",
                                         .command_line = "cc -O2 -c -o server.o server.c"},
                "cc");
    put_process((struct hak_process_row){.id = 4,
                                         .parent = 3,
                                         .pid = 4713,
                                         .session = 3,
                                         .start_time = 11,
                                         .start_ns = 200000000,
                                         .end_ns = 800000000,
                                         .end_kind = 2,
                                         .exit_status = -1,
                                         .signal = 9,
                                         .lost = 77,
                                         .program = "/usr/lib/gcc/cc1",
                                         .command_line = "/usr/lib/gcc/cc1 -quiet server.c"},
                "cc1");
    put_process((struct hak_process_row){.id = 5,
                                         .parent = 1,
                                         .pid = 4712,
                                         .session = 4,
                                         .start_time = 99,
                                         .start_ns = 1000000000,
                                         .end_ns = 1100000000,
                                         .end_kind = 4,
                                         .exit_status = -1,
                                         .note = "executed /bin/busybox, which is static",
                                         .program = "/bin/sh",
                                         .command_line = "sh -c 'echo \033[31m'"},
                "sh");
    for (uint32_t i = 0; i < 10; i++)
        put_process((struct hak_process_row){.id = 6 + i,
                                             .parent = 1,
                                             .pid = 4720 + (int)i,
                                             .session = 5 + i,
                                             .start_time = 200 + i,
                                             .start_ns = 1200000000 + i * 1000000,
                                             .end_ns = 1200500000 + i * 1000000,
                                             .end_kind = 1,
                                             .program = "/usr/bin/touch",
                                             .command_line = "touch done"},
                    "touch");
    put_module(3, 1, 0x7ffff7b00000, 2, 9, 0, "/usr/lib/libplugin.so");
    put_module(4, 1, 0x7ffff7b00000, 10, 0, 1, "/usr/lib/libplugin.so");
    put_module(5, 3, 0x7ffff7a00000, 5, 0, 0, "/usr/lib/hakmem/hakmem-debug.so");
    add_of(1, HAK_MALLOC, 50000000, block, 56, SESSION_NEW);
    add_of(1, HAK_MALLOC, 60000000, other, 40, HEADER_PARSE);
    add_of(1, HAK_FORK, 99000000, 0, 0, 0)->base = 0;
    add_of(2, HAK_FREE, 100500000, block, 56, SESSION_CLOSE); /* what it inherited */
    add_of(3, HAK_MALLOC, 150000000, block, 24, REPLY_NEW);
    add_of(3, HAK_REALLOC, 160000000, block, 32, REPLY_NEW)->place = HAK_PLACE_LIVE;
    add_of(3, HAK_FREE, 170000000, block, 32, REPLY_DONE);
    add_of(4, HAK_MALLOC, 250000000, block, 48, PARSE_ROW);
    add_of(1, HAK_FREE, 500000000, block, 56, SESSION_CLOSE)->place = HAK_PLACE_REMOTE;
    add_of(1, HAK_DRAIN_FRONT, 510000000, block, 0, 0);
    add_of(1, HAK_MALLOC, 520000000, block, 64, SESSION_NEW);
    add_of(1, HAK_FREE, 530000000, block, 64, SESSION_CLOSE);
    add_of(5, HAK_MALLOC, 1050000000, block, 16, PARSE_ROW);
    add(HAK_MALLOC, 1060000000, 2, large_slot(large), HAK_PLACE_LARGE, PARSE_ROW, 1 << 20);
    struct hak_loss_row loss = {.process = 4,
                                .thread = 6,
                                .from_ns = 300000000,
                                .to_ns = 400000000,
                                .count = 77,
                                .reason = "ring full"};
    must(hak_store_put_loss(writer, &loss), "loss");
    end();
    struct hak_fault_row fault = {.id = 1,
                                  .code = 202,
                                  .event = 7,
                                  .ns = 170000000,
                                  .process = 3,
                                  .thread = 5,
                                  .summary = "SUMMARY: hakmem: double-free http.c:152 reply_done "
                                             "hop=FREE class=C3 offset=+0 store=tree.db",
                                  .report = "the report\n",
                                  .json = "{}"};
    must(hak_store_begin(writer), "begin");
    must(hak_store_put_fault(writer, &fault), "fault");
    must(hak_store_commit(writer), "commit");
    finish();
}

/* Two processes, of which the second one's event was stored behind a later one of the first. */
static void make_crossed(const char *directory) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES;
    begin(directory, "crossed.db", "/home/user/app/server", "worker");
    put_process((struct hak_process_row){.id = 2,
                                         .parent = 1,
                                         .pid = 4712,
                                         .session = 2,
                                         .start_time = 10,
                                         .start_ns = 10000000,
                                         .program = "/home/user/app/server",
                                         .command_line = "server"},
                "server");
    add_of(1, HAK_MALLOC, 50000000, block, 56, SESSION_NEW);
    add_of(1, HAK_MALLOC, 60000000, block + 64, 40, HEADER_PARSE);
    add_of(2, HAK_MALLOC, 59000000, block, 56, SESSION_NEW);
    end();
    finish();
}

/* A block that libc allocated for the program: eight frames of libc's, one of the program's, and
 * what lies below main, without a name, as where symbols were stripped. */
static void make_library(const char *directory) {
    enum { OUTERMOST = 20, START, PROGRAM, LIBRARY };
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES, libc_base = 0x7f1000000000;
    struct hak_module_row libc = {.id = 3,
                                  .process = 1,
                                  .start = libc_base,
                                  .end = libc_base + 0x10000,
                                  .load_bias = libc_base,
                                  .path = "/lib/x86_64-linux-gnu/libc.so.6"};
    struct hak_frame_row start = {.module = 3, .offset = 0x100, .function = "__libc_start_main"};
    begin(directory, "library.db", "/home/user/app/server", "worker");
    must(hak_store_put_module(writer, &libc), "module");
    must(hak_store_put_frame(writer, &start), "frame");
    for (uint32_t id = OUTERMOST; id < LIBRARY + 8; id++) {
        struct hak_node_row node = {.id = id, .parent = id == OUTERMOST ? 0 : id - 1, .process = 1};
        node.ip = id == OUTERMOST ? PROGRAM_BASE + 0x8000
                  : id == START   ? libc_base + 0x100
                  : id == PROGRAM ? PROGRAM_BASE + PARSE_ROW * 0x100
                                  : libc_base + id * 0x100;
        must(hak_store_put_node(writer, &node), "node");
    }
    add(HAK_MALLOC, SECOND, 1, slot_of_64(block), HAK_PLACE_FRONT, LIBRARY + 7, 40);
    end();
    finish();
}

/* Many chunks, as a long capture has them: what reads it passes many places where it tells how far
 * it is. One block is handed out and given back in each. */
static void make_many(const char *directory) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES;
    begin(directory, "many.db", "/home/user/app/server", "worker");
    for (uint64_t i = 0, id = 0; i < 200; i++) {
        event_count = 0;
        call(HAK_MALLOC, i * 10000000, 1, block, SESSION_NEW, 60);
        call(HAK_FREE, i * 10000000 + 1000, 1, block, SESSION_CLOSE, 60);
        for (size_t k = 0; k < event_count; k++)
            events[k].id = ++id;
        end();
        if (i < 199)
            must(hak_store_begin(writer), "begin");
    }
    finish();
}

/* One block on its way through every place that a block may be at. */
static void make_places(const char *directory) {
    static const struct {
        uint8_t kind, place;
    } way[] = {{HAK_ULTRAHOT_FILL, HAK_PLACE_ULTRAHOT},
               {HAK_MALLOC, HAK_PLACE_ULTRAHOT},
               {HAK_FREE, HAK_PLACE_HEAPV2},
               {HAK_MALLOC, HAK_PLACE_HEAPV2},
               {HAK_FREE, HAK_PLACE_FC},
               {HAK_FC_SPILL, HAK_PLACE_SLAB},
               {HAK_SFC_FILL, HAK_PLACE_SFC},
               {HAK_MALLOC, HAK_PLACE_SFC},
               {HAK_FREE, HAK_PLACE_RING},
               {HAK_MALLOC, HAK_PLACE_RING},
               {HAK_FREE, HAK_PLACE_SLL},
               {HAK_PROMOTE, HAK_PLACE_RING},
               {HAK_RING_SPILL, HAK_PLACE_SLAB},
               {HAK_MID_REFILL, HAK_PLACE_MID_RING},
               {HAK_MID_OVERFLOW, HAK_PLACE_MID_LIFO},
               {HAK_MID_RETURN, HAK_PLACE_MID_RING},
               {HAK_MALLOC, HAK_PLACE_MID_RING},
               {HAK_FREE, HAK_PLACE_SMALLMID},
               {HAK_SMALLMID_SPILL, HAK_PLACE_SLAB},
               {HAK_LEFT_SPILL, HAK_PLACE_SLAB}};
    static const struct {
        uint8_t kind, place;
    } large_way[] = {{HAK_MALLOC, HAK_PLACE_LARGE},          {HAK_FREE, HAK_PLACE_LARGE},
                     {HAK_BIGCACHE_PUT, HAK_PLACE_BIGCACHE}, {HAK_BIGCACHE_TAKE, HAK_PLACE_LARGE},
                     {HAK_MALLOC, HAK_PLACE_LARGE},          {HAK_FREE, HAK_PLACE_LARGE},
                     {HAK_L25_PUT, HAK_PLACE_L25},           {HAK_L25_TAKE, HAK_PLACE_LARGE}};
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES, large = 0x7f0000001000ull;
    begin(directory, "places.db", "/home/user/app/server", "worker");
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        bool is_call = way[i].kind <= HAK_REALLOC_FROM;
        add(way[i].kind, 100000000 + i * 1000000, 1, slot_of_64(block), way[i].place,
            is_call ? SESSION_NEW : own_stack(OWN_FLUSH, SESSION_NEW), is_call ? 56 : 0);
    }
    for (size_t i = 0; i < sizeof large_way / sizeof *large_way; i++) {
        bool is_call = large_way[i].kind <= HAK_REALLOC_FROM;
        add(large_way[i].kind, 200000000 + i * 1000000, 1, large_slot(large), large_way[i].place,
            is_call ? PARSE_ROW : own_stack(OWN_FREE, PARSE_ROW), is_call ? 100000 : 0);
    }
    end();
    finish();
}

/* An address that lay in twenty large blocks, each 64 bytes further on. */
static void make_shifted(const char *directory) {
    begin(directory, "shifted.db", "/home/user/app/server", "worker");
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t block = 0x7f0000001000ull + i * 64;
        for (unsigned is_end = 0; is_end < 2; is_end++)
            add(is_end ? HAK_FREE : HAK_MALLOC, (i * 2 + is_end) * 1000000, 1, large_slot(block),
                HAK_PLACE_LARGE, PARSE_ROW, 100000);
    }
    end();
    finish();
}

static void add_change(unsigned kind, uint64_t ns, uint32_t thread, uint64_t address,
                       unsigned class_index, uint64_t value) {
    add(kind, ns, thread, (struct slot){address, address, class_index}, 0, PARSE_ROW, value)
        ->generation = 0;
}

/* The lives of two SuperSlabs: one is filled, drains, is kept, taken by another thread and
 * unmapped; the other is there at the end. */
static void make_superslabs(const char *directory) {
    const uint64_t first = SUPERSLAB, second = SUPERSLAB + HAK_SUPERSLAB_BYTES;
    const uint64_t slab = first + HAK_SLAB_BYTES;
    enum { FREE_TIER, DRAINING, HOT };
    begin(directory, "superslabs.db", "/home/user/app/server", "worker");
    add_change(HAK_SUPERSLAB_MAP, 100000000, 1, first, HAK_CLASS_NONE, HAK_SUPERSLAB_BYTES);
    add_change(HAK_SLAB_ACQUIRE, 101000000, 1, slab, HAK_CLASS_OF_64, 64);
    add(HAK_FRONT_REFILL, 102000000, 1, slot_of_64(slab), HAK_PLACE_FRONT, PARSE_ROW, 0);
    call(HAK_MALLOC, 103000000, 1, slab, PARSE_ROW, 56);
    add_change(HAK_TIER, 200000000, 1, first, HAK_CLASS_NONE, HOT | FREE_TIER << 8 | 251 << 16);
    add_change(HAK_CAPACITY, 210000000, 1, 0, HAK_CLASS_OF_64, 128 | 64ull << 32);
    add(HAK_FREE, 300000000, 2, slot_of_64(slab), HAK_PLACE_REMOTE, WORKER_LOOP, 56);
    add_change(HAK_REMOTE_POST, 310000000, 2, 0, HAK_CLASS_NONE, 62 | 1 << 16);
    add_change(HAK_REMOTE_DRAIN, 320000000, 1, 0, HAK_CLASS_NONE, 62);
    add(HAK_DRAIN_SLAB, 321000000, 1, slot_of_64(slab), HAK_PLACE_SLAB, PARSE_ROW, 0);
    add_change(HAK_TIER, 400000000, 1, first, HAK_CLASS_NONE, DRAINING | HOT << 8 | 249 << 16);
    add_change(HAK_SLAB_RELEASE, 500000000, 1, slab, HAK_CLASS_OF_64, 0);
    add_change(HAK_TIER, 501000000, 1, first, HAK_CLASS_NONE, FREE_TIER | DRAINING << 8);
    add_change(HAK_SUPERSLAB_KEEP, 502000000, 1, first, HAK_CLASS_NONE, HAK_SUPERSLAB_BYTES);
    add_change(HAK_SUPERSLAB_MAP, 550000000, 1, second, HAK_CLASS_NONE, HAK_SUPERSLAB_BYTES);
    add_change(HAK_SUPERSLAB_TAKE, 600000000, 3, first, HAK_CLASS_NONE, HAK_SUPERSLAB_BYTES);
    add_change(HAK_SLAB_ACQUIRE, 601000000, 3, slab, HAK_CLASS_OF_48, 48);
    add_change(HAK_TIER, 650000000, 3, first, HAK_CLASS_NONE, HOT | FREE_TIER << 8 | 258 << 16);
    add_change(HAK_SUPERSLAB_ADOPT, 700000000, 2, first, HAK_CLASS_NONE, 2);
    add_change(HAK_SLAB_RELEASE, 800000000, 2, slab, HAK_CLASS_OF_48, 0);
    add_change(HAK_SUPERSLAB_UNMAP, 900000000, 2, first, HAK_CLASS_NONE, HAK_SUPERSLAB_BYTES);
    add_change(HAK_LEARN, 950000000, 1, 0, HAK_CLASS_NONE, 1ull << 32 | 250);
    end();
    finish();
}

/* A store that is being written, as long as this process lives. */
static int hold(const char *path) {
    const uint64_t block = SUPERSLAB + 3 * HAK_SLAB_BYTES;
    begin(".", path, "/home/user/app/server", "worker");
    call(HAK_MALLOC, 100000000, 1, block, SESSION_NEW, 60);
    end();
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    finish();
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--hold") == 0)
        return hold(argv[2]);
    if (argc != 2) {
        fprintf(stderr, "usage: make_store DIRECTORY | make_store --hold FILE\n");
        return 2;
    }
    make_stale(argv[1]);
    make_offset(argv[1]);
    make_overflow(argv[1]);
    make_resized(argv[1]);
    make_lost(argv[1]);
    make_hostile(argv[1]);
    make_empty(argv[1]);
    make_tree(argv[1]);
    make_crossed(argv[1]);
    make_many(argv[1]);
    make_library(argv[1]);
    make_places(argv[1]);
    make_superslabs(argv[1]);
    make_shifted(argv[1]);
    return 0;
}

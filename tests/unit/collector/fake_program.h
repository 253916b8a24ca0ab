/* A program that writes session memory by hand, as docs/specs/ring.md says: rings, records, nodes.
 * Stands for hakmem-debug.so in the tests of src/collector, so that it can also do what that never
 * does. */
#ifndef HAK_TESTS_FAKE_PROGRAM_H
#define HAK_TESTS_FAKE_PROGRAM_H

#ifdef FAKE_IN_BENCH /* outside of a Check suite */
#include <assert.h>
#define ck_assert(what)          assert(what)
#define ck_assert_ptr_nonnull(p) assert((p) != NULL)
#define ck_assert_ptr_ne(a, b)   assert((a) != (b))
#define ck_assert_int_eq(a, b)   assert((a) == (b))
#define ck_assert_int_ge(a, b)   assert((a) >= (b))
#define ck_assert_uint_lt(a, b)  assert((a) < (b))
#define ck_assert_uint_le(a, b)  assert((a) <= (b))
#else
#include "unit/suite.h"
#endif
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "collector/kernel/peer.h"
#include "hop.h"
#include "superslab.h"
#include "trace/protocol.h"
#include "trace/session.h"

#ifndef FAKE_BYTES
#define FAKE_BYTES ((uint64_t)16 << 20)
#define FAKE_NODES 4096
#endif
#define FAKE_BLOCK 0x7f2100010040ull

struct fake_program {
    int memfd;
    struct hak_session *session;
    uint32_t next_node;
    char directory[128];
};

static inline uint64_t fake_monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A place of its own for the test's stores. */
static inline void fake_directory(struct fake_program *p) {
    const char *base = getenv("TMPDIR");
    snprintf(p->directory, sizeof p->directory, "%.90s/hak_collector.XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(p->directory));
}
/* The program has its memory no more. */
static inline void fake_let_go(struct fake_program *p) {
    if (p->session)
        munmap(p->session, FAKE_BYTES);
    p->session = NULL;
    if (p->memfd >= 0)
        close(p->memfd);
    p->memfd = -1;
}
static inline void fake_clean(struct fake_program *p) {
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", p->directory);
    ck_assert_int_eq(system(command), 0);
    fake_let_go(p);
}

static inline struct hak_ring_entry *fake_ring(struct fake_program *p, uint32_t i) {
    return (struct hak_ring_entry *)((char *)p->session + p->session->ring_offset) + i;
}
static inline struct hak_process_entry *fake_process(struct fake_program *p, uint32_t i) {
    return (struct hak_process_entry *)((char *)p->session + p->session->process_offset) + i;
}
static inline struct hak_node *fake_node(struct fake_program *p, uint32_t i) {
    return (struct hak_node *)((char *)p->session + p->session->node_offset) + i;
}
static inline struct hak_report_request *fake_report(struct fake_program *p) {
    return (struct hak_report_request *)((char *)p->session + p->session->report_offset);
}

static inline uint64_t fake_round(uint64_t offset) {
    return (offset + 4095) & ~(uint64_t)4095;
}

/* A session of this very process, with process entry 0 live. `p->directory` must stand. */
static inline void fake_begin(struct fake_program *p, const char *store_name) {
    p->memfd = memfd_create("fake", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_ge(p->memfd, 0);
    ck_assert_int_eq(ftruncate(p->memfd, (off_t)FAKE_BYTES), 0);
    ck_assert_int_eq(fcntl(p->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    ck_assert_int_eq(fcntl(p->memfd, F_OFD_SETLK, &lock), 0);
    struct hak_session *s = mmap(NULL, FAKE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
    ck_assert_ptr_ne(s, MAP_FAILED);
    p->session = s;
    s->version = HAK_SESSION_VERSION;
    s->header_bytes = sizeof *s;
    s->total_bytes = FAKE_BYTES;
    s->machine = HAK_ELF_MACHINE;
    s->page_bytes = (uint32_t)HAK_PAGE_BYTES;
    s->tsc_start = hak_ticks_now();
    s->monotonic_start_ns = fake_monotonic();
    s->process_offset = fake_round(sizeof *s);
    s->ring_offset =
        fake_round(s->process_offset + HAK_PROCESSES * sizeof(struct hak_process_entry));
    s->node_offset = fake_round(s->ring_offset + HAK_RINGS * sizeof(struct hak_ring_entry));
    s->node_capacity = FAKE_NODES;
    s->report_offset = fake_round(s->node_offset + FAKE_NODES * sizeof(struct hak_node));
    s->extent_offset = fake_round(s->report_offset + sizeof(struct hak_report_request));
    s->extent_count = (FAKE_BYTES - s->extent_offset) / HAK_EXTENT_BYTES;
    s->session_id = ((uint64_t)getpid() << 32) + (uint64_t)p->memfd + 1;
    atomic_store(&s->node_count, 1);
    atomic_store(&s->nodes_mapped, 1);
    p->next_node = 1;
    snprintf(s->store_path, sizeof s->store_path, "%s/%s", p->directory, store_name);
    snprintf(s->program, sizeof s->program, "/usr/bin/fake");
    memcpy(s->command_line, "fake\0-x", 8);
    s->command_line_bytes = 8;
    __atomic_store_n(&s->magic, HAK_SESSION_MAGIC, __ATOMIC_RELEASE);
}

/* Each call's answer is above the last one's: the counter of aarch64 stands still for some 16 to 40
 * ns, in which no thread hears of another's block. */
static inline uint64_t fake_ticks(struct fake_program *p) {
    static uint64_t last;
    uint64_t now;
    do
        now = hak_ticks_now();
    while (now == last);
    last = now;
    return now - p->session->tsc_start;
}

static inline void fake_claim_process(struct fake_program *p, uint32_t index, int32_t pid,
                                      uint32_t parent, uint64_t fork_number) {
    struct hak_process_entry *e = fake_process(p, index);
    struct hak_peer peer = {0};
    hak_peer_read(pid, &peer);
    e->pid = pid;
    e->parent_pid = peer.parent;
    e->parent = parent;
    e->fork_number = fork_number;
    e->start_time = peer.start_time;
    e->tsc_start = fake_ticks(p);
    if (atomic_load(&p->session->processes_high) <= index)
        atomic_store(&p->session->processes_high, index + 1);
    atomic_store(&e->state, HAK_PROCESS_LIVE);
}

/* One extent, `capacity` records. */
static inline void fake_claim_ring(struct fake_program *p, uint32_t index, uint32_t process,
                                   uint32_t thread, uint64_t capacity) {
    struct hak_ring_entry *r = fake_ring(p, index);
    ck_assert_uint_lt(index, p->session->extent_count);
    r->process = process;
    r->thread = thread;
    r->tid = (int32_t)(1000 + thread);
    r->first_extent = index;
    r->extents = 1;
    r->offset = p->session->extent_offset + index * HAK_EXTENT_BYTES;
    r->capacity = capacity;
    atomic_store(&p->session->extent_taken[index], 1);
    if (atomic_load(&p->session->rings_high) <= index)
        atomic_store(&p->session->rings_high, index + 1);
    atomic_store(&r->state, HAK_RING_CLAIMED);
}

static inline struct hak_record *fake_slot(struct fake_program *p, uint32_t ring,
                                           uint64_t position) {
    struct hak_ring_entry *r = fake_ring(p, ring);
    return (struct hak_record *)((char *)p->session + r->offset) + (position & (r->capacity - 1));
}

/* Writes one event as it is (time included); a wide one takes two records. */
static inline void fake_put_at(struct fake_program *p, uint32_t ring, struct hak_event_fields f) {
    struct hak_ring_entry *r = fake_ring(p, ring);
    uint64_t head = atomic_load(&r->head), more = hak_fields_are_wide(&f) ? 2 : 1;
    ck_assert_uint_le(head + more - atomic_load(&r->tail), r->capacity);
    *fake_slot(p, ring, head) = hak_record_pack(&f);
    if (more == 2)
        *fake_slot(p, ring, head + 1) = hak_record_pack_wide(&f, HAK_CONTINUATION);
    atomic_store(&r->head, head + more);
}
static inline void fake_put(struct fake_program *p, uint32_t ring, struct hak_event_fields f) {
    f.time = fake_ticks(p);
    fake_put_at(p, ring, f);
}

/* A malloc or free of a 48-byte slot's block, as number `n` of its generation. */
static inline void fake_event(struct fake_program *p, uint32_t ring, uint8_t kind, uint32_t slot,
                              uint32_t n, uint32_t stack) {
    fake_put(p, ring,
             (struct hak_event_fields){.kind = kind,
                                       .address = FAKE_BLOCK + 48 * (uint64_t)slot,
                                       .size = 24,
                                       .stack = stack,
                                       .record_count = n,
                                       .epoch = 1,
                                       .class_index = 3,
                                       .place = HAK_PLACE_FRONT});
}

static inline void fake_put_bytes(struct fake_program *p, uint32_t ring, uint8_t kind,
                                  const void *bytes, uint32_t count) {
    struct hak_ring_entry *r = fake_ring(p, ring);
    uint64_t head = atomic_load(&r->head);
    uint32_t follow = (count + HAK_CONTINUATION_BYTES - 1) / HAK_CONTINUATION_BYTES;
    struct hak_event_fields f = {.time = fake_ticks(p),
                                 .kind = kind,
                                 .size = count,
                                 .class_index = HAK_CLASS_NONE,
                                 .flags = HAK_RECORD_WIDE};
    *fake_slot(p, ring, head) = hak_record_pack(&f);
    for (uint32_t i = 0; i < follow; i++) {
        struct hak_record *more = fake_slot(p, ring, head + 1 + i);
        uint32_t left = count - i * HAK_CONTINUATION_BYTES;
        memset(more, 0, sizeof *more);
        more->w[0] = f.time | (uint64_t)HAK_CONTINUATION << 48 | (uint64_t)(follow - 1 - i) << 56;
        memcpy(&more->w[1], (const char *)bytes + i * HAK_CONTINUATION_BYTES,
               left < HAK_CONTINUATION_BYTES ? left : HAK_CONTINUATION_BYTES);
    }
    atomic_store(&r->head, head + 1 + follow);
}

/* The start of a thread that `creator` (0 = not known) created at `stack`. */
static inline void fake_start_created(struct fake_program *p, uint32_t ring, const char *name,
                                      uint32_t creator, uint32_t stack) {
    struct {
        int32_t tid;
        uint32_t thread;
        char name[16];
    } told = {fake_ring(p, ring)->tid, fake_ring(p, ring)->thread, ""};
    snprintf(told.name, sizeof told.name, "%s", name);
    uint64_t head = atomic_load(&fake_ring(p, ring)->head);
    fake_put_bytes(p, ring, HAK_THREAD_START, &told, sizeof told);
    fake_slot(p, ring, head)->w[2] |= (uint64_t)stack << 32;
    fake_slot(p, ring, head)->w[3] |= creator;
}

static inline void fake_start_thread(struct fake_program *p, uint32_t ring, const char *name) {
    fake_start_created(p, ring, name, 0, 0);
}

static inline void fake_load_module(struct fake_program *p, uint32_t ring, const char *path,
                                    uint64_t start, uint64_t end, uint32_t generation) {
    struct {
        uint64_t load_bias, start, end;
        uint32_t generation;
        uint16_t id_bytes, path_bytes;
        char path[160];
    } told = {start, start, end, generation, 0, (uint16_t)strlen(path), ""};
    snprintf(told.path, sizeof told.path, "%s", path);
    fake_put_bytes(p, ring, HAK_MODULE_LOAD, &told,
                   (uint32_t)(offsetof(__typeof__(told), path) + told.path_bytes));
}

static inline uint32_t fake_push_node(struct fake_program *p, uint32_t parent, uint64_t ip,
                                      uint32_t process, uint32_t generation) {
    uint32_t id = p->next_node++;
    *fake_node(p, id) = (struct hak_node){ip, parent, process << 22 | generation};
    atomic_store(&p->session->node_count, id + 1);
    return id;
}

static inline struct hak_hello fake_hello(struct fake_program *p) {
    struct hak_peer peer = {0};
    hak_peer_read(getpid(), &peer);
    (void)p;
    return (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                              .version = HAK_SESSION_VERSION,
                              .pid = getpid(),
                              .start_time = peer.start_time,
                              .total_bytes = FAKE_BYTES,
                              .machine = HAK_ELF_MACHINE};
}

/* Lets the cut's margin pass, so that what was written is before the next cut. */
static inline void fake_let_pass(void) {
    usleep(200);
}

#endif

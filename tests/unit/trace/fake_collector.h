/* A session without a keeper, and a reader of its rings that keeps what it reads: stands for the
 * collector in the tests of src/trace. It knows of the layout only what docs/specs/ring.md says. */
#ifndef HAK_TESTS_FAKE_COLLECTOR_H
#define HAK_TESTS_FAKE_COLLECTOR_H

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "hop.h"
#include "options.h"
#include "superslab.h"
#include "trace/memory/memory.h"
#include "trace/process/process.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "unit/suite.h"

/* One record as it was read, and where. */
struct seen {
    uint32_t ring, process, thread;
    uint64_t position;
    struct hak_record record;
};

struct fake_collector {
    struct hak_session *session;
    struct seen *seen;
    size_t count, capacity;
    uint64_t rings_freed;
    uint64_t switches; /* THREAD_SWITCH records, which are not kept */
    pthread_t thread;
    _Atomic bool stop;
};

static inline void *fake_at(const struct fake_collector *c, uint64_t offset) {
    return (char *)c->session + offset;
}
static inline struct hak_ring_entry *fake_rings(const struct fake_collector *c) {
    return fake_at(c, c->session->ring_offset);
}
static inline struct hak_process_entry *fake_processes(const struct fake_collector *c) {
    return fake_at(c, c->session->process_offset);
}

static inline void fake_keep(struct fake_collector *c, uint32_t index,
                             const struct hak_ring_entry *ring, uint32_t thread,
                             uint64_t position) {
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 4096;
        c->seen = realloc(c->seen, c->capacity * sizeof *c->seen);
        ck_assert_ptr_nonnull(c->seen);
    }
    const struct hak_record *records = fake_at(c, ring->offset);
    c->seen[c->count++] = (struct seen){index, ring->process, thread, position,
                                        records[position & (ring->capacity - 1)]};
}

/* Reads one ring up to `head` and gives it back when it is closed. */
static inline void fake_drain_ring(struct fake_collector *c, uint32_t index, uint64_t head,
                                   bool closed) {
    struct hak_ring_entry *ring = &fake_rings(c)[index];
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (head != tail)
        ck_assert_uint_le(head - tail, ring->capacity);
    const struct hak_record *records = fake_at(c, ring->offset);
    uint32_t thread = ring->thread;
    for (uint64_t at = tail; at != head; at++) {
        const struct hak_record *record = &records[at & (ring->capacity - 1)];
        if (hak_record_kind_of(record) == HAK_THREAD_SWITCH) {
            c->switches++;
            thread = (uint32_t)hak_record_unpack(record, NULL).size;
            ck_assert_uint_lt(++at, head); /* what it stands before comes with it */
        } else if (hak_record_kind_of(record) != HAK_CONTINUATION) {
            thread = ring->thread;
        }
        fake_keep(c, index, ring, thread, at);
    }
    atomic_store_explicit(&ring->tail, head, memory_order_release);
    if (!closed)
        return;
    for (uint32_t e = ring->first_extent; e < ring->first_extent + ring->extents; e++)
        atomic_store_explicit(&c->session->extent_taken[e], 0, memory_order_release);
    atomic_store_explicit(&ring->state, HAK_RING_FREE, memory_order_release);
    c->rings_freed++;
}

/* Reads all rings and commits. Heads are looked at before states: what a ring's successor held then
 * was written after everything in a ring that is closed now. */
static inline size_t fake_drain(struct fake_collector *c) {
    static uint64_t heads[HAK_RINGS];
    size_t before = c->count;
    for (uint32_t i = 0; i < HAK_RINGS; i++)
        heads[i] = atomic_load_explicit(&fake_rings(c)[i].head, memory_order_acquire);
    for (uint32_t i = 0; i < HAK_RINGS; i++) {
        struct hak_ring_entry *ring = &fake_rings(c)[i];
        uint32_t state = atomic_load_explicit(&ring->state, memory_order_acquire);
        if (state == HAK_RING_CLOSED)
            heads[i] = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (state != HAK_RING_FREE)
            fake_drain_ring(c, i, heads[i], state == HAK_RING_CLOSED);
    }
    atomic_fetch_add(&c->session->commits, 1);
    syscall(SYS_futex, &c->session->commits, FUTEX_WAKE, 1 << 30, NULL, NULL, 0);
    return c->count - before;
}

/* Puts what was read into the order of time; a record and its continuations stay together. */
static inline int fake_compare(const void *left, const void *right) {
    const struct seen *l = left, *r = right;
    uint64_t left_time = hak_record_time(&l->record), right_time = hak_record_time(&r->record);
    if (left_time != right_time)
        return left_time < right_time ? -1 : 1;
    return l->ring != r->ring ? (l->ring < r->ring ? -1 : 1) : l->position < r->position ? -1 : 1;
}
static inline void fake_sort(struct fake_collector *c) {
    qsort(c->seen, c->count, sizeof *c->seen, fake_compare);
}

/* A session of `bytes` in which this process records. */
static inline void fake_begin(struct fake_collector *c, uint64_t bytes, uint64_t ring_bytes) {
    static char *no_environment[] = {NULL};
    struct hak_session_memory memory;
    memset(c, 0, sizeof *c);
    hak_options_read(no_environment);
    hak_options.trace_ring_bytes = ring_bytes;
    ck_assert_int_eq(hak_memory_make(bytes, &memory), 0);
    hak_memory_describe(memory.session);
    memory.session->magic = HAK_SESSION_MAGIC;
    atomic_store(&memory.session->keeper_heartbeat_ns, UINT64_MAX); /* never stops */
    close(memory.file);
    c->session = memory.session;
    hak_current.enter_child = hak_process_enter_child;
    ck_assert(hak_current_begin(memory.session, memory.total_bytes));
    struct hak_stacks_setup stacks = {.nodes = hak_current.nodes,
                                      .node_capacity = hak_current.node_capacity,
                                      .node_count = &c->session->node_count,
                                      .no_stack = &hak_current.process->no_stack,
                                      .depth = 64};
    hak_stacks_start(&stacks);
}

static void *fake_run(void *context) {
    struct fake_collector *c = context;
    while (!atomic_load(&c->stop)) {
        uint32_t bell = atomic_load(&c->session->doorbell);
        if (fake_drain(c) != 0)
            continue;
        struct timespec nap = {0, 2000000};
        atomic_store(&c->session->collector_waits, 1);
        syscall(SYS_futex, &c->session->doorbell, FUTEX_WAIT, bell, &nap, NULL, 0);
        atomic_store(&c->session->collector_waits, 0);
    }
    fake_drain(c);
    return NULL;
}

/* Reads in a thread of its own until fake_stop. The thread itself records nothing and takes no
 * signals of the process. */
static inline void fake_start(struct fake_collector *c) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, fake_run, c), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
static inline void fake_stop(struct fake_collector *c) {
    atomic_store(&c->stop, true);
    pthread_join(c->thread, NULL);
}

/* Records that were read of `kind`; continuations are not heads. */
static inline size_t fake_count(const struct fake_collector *c, uint8_t kind) {
    size_t found = 0;
    for (size_t i = 0; i < c->count; i++)
        found += hak_record_kind_of(&c->seen[i].record) == kind;
    return found;
}

/* The fields of the record at `i`, its wide part included. */
static inline struct hak_event_fields fake_fields(const struct fake_collector *c, size_t i) {
    const struct hak_record *next = i + 1 < c->count ? &c->seen[i + 1].record : NULL;
    return hak_record_unpack(&c->seen[i].record, next);
}

/* Events that LOSS records tell of. */
static inline uint64_t fake_lost(const struct fake_collector *c) {
    uint64_t lost = 0;
    for (size_t i = 0; i < c->count; i++)
        if (hak_record_kind_of(&c->seen[i].record) == HAK_LOSS)
            lost += fake_fields(c, i).size;
    return lost;
}

/* One FREE with a number in it. */
static inline void record_number(uint64_t number) {
    struct hak_event_fields fields = {.kind = HAK_FREE,
                                      .class_index = 3,
                                      .address = 0x10000 + number * 16,
                                      .record_count = (uint32_t)number};
    hak_trace_record(&fields);
}

#endif

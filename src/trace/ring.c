/* Writes records into the calling thread's ring: the path that every event takes. */
#include "trace/ring.h"
#include "hop.h"
#include "trace/trace.h"

struct hak_record hak_ring_nowhere;
_Atomic uint64_t hak_ring_nowhere_head;

_Thread_local struct hak_writer hak_writer __attribute__((tls_model("initial-exec"))) = {
    .records = &hak_ring_nowhere, .head = &hak_ring_nowhere_head};

/* One instruction each, so that a signal handler of this thread comes before or after, never
 * between. Other threads do not write these words, so the lock prefix is left out. */
static inline bool exchange_if_equal(uint64_t *word, uint64_t expected, uint64_t wanted) {
    bool equal;
    __asm__ volatile("cmpxchgq %3, %1"
                     : "=@ccz"(equal), "+m"(*word), "+a"(expected)
                     : "r"(wanted)
                     : "memory");
    return equal;
}
static inline void enter(struct hak_writer *w) {
    __asm__ volatile("incl %0" : "+m"(w->depth) : : "memory", "cc");
}
static inline void leave(struct hak_writer *w) {
    __asm__ volatile("decl %0" : "+m"(w->depth) : : "memory", "cc");
}
static inline uint64_t read_now(const uint64_t *word) {
    return *(const volatile uint64_t *)word;
}

/* A try to take `count` positions; a true must be followed by finish(). Only the common case, to be
 * inlined. */
static inline bool try_reserve(struct hak_writer *w, unsigned count, uint64_t *position,
                               uint64_t *ticks) {
    enter(w); /* before the look at `alive`: hak_current_freeze counts on it */
    bool goes = atomic_load_explicit(hak_current.alive, memory_order_relaxed) == HAK_ALIVE_GO;
    uint64_t at = read_now(&w->reserved);
    if (HAK_UNLIKELY(!goes || at + count > read_now(&w->room)))
        return false;
    *ticks = hak_session_ticks();
    *position = at;
    return HAK_LIKELY(exchange_if_equal(&w->reserved, at, at + count));
}

static inline void finish(struct hak_writer *w) {
    for (;;) {
        if (w->depth == 1)
            atomic_store_explicit(w->head, w->reserved, memory_order_release);
        leave(w);
        /* A handler that came between the store and leave() did not publish what it wrote. */
        if (w->depth != 0 || HAK_LIKELY(atomic_load_explicit(w->head, memory_order_relaxed) ==
                                        read_now(&w->reserved)))
            return;
        enter(w);
    }
}

void hak_ring_finish(void) {
    if (HAK_UNLIKELY(hak_writer.held))
        hak_ring_share_finish();
    else
        finish(&hak_writer);
}

/* After a try that failed. */
static HAK_COLD bool reserve_slowly(unsigned count, uint64_t *position, uint64_t *ticks) {
    struct hak_writer *w = &hak_writer;
    do {
        finish(w); /* a handler may have recorded in between: its records waited for us */
        if (atomic_load_explicit(hak_current.alive, memory_order_relaxed) != HAK_ALIVE_GO) {
            if (!hak_current_look()) {
                hak_current_count_unentered();
                return false;
            }
        } else if (w->reserved + count > w->room && !hak_ring_make_room(count)) {
            return w->shared && hak_ring_share_reserve(count, position, ticks);
        }
    } while (!try_reserve(w, count, position, ticks));
    return true;
}

bool hak_ring_reserve(unsigned count, uint64_t *position, uint64_t *ticks) {
    return try_reserve(&hak_writer, count, position, ticks) ||
           reserve_slowly(count, position, ticks);
}

/* An event of a thread that has said goodbye, made by a destructor that runs later: it gets a ring
 * for itself, which is closed at once. */
static HAK_COLD void record_late(struct hak_event_fields *fields) {
    hak_writer.ended = 0;
    hak_trace_record(fields);
    hak_trace_thread_end();
}

/* Counts what is not recorded: the process is not, or there was no room. Inside enter and leave, so
 * that a takeover finds no thread in the middle. */
static HAK_COLD void count_unrecorded(const struct hak_event_fields *fields) {
    enter(&hak_writer);
    hak_count_record(fields);
    finish(&hak_writer);
}

static HAK_COLD void fail_to_record(struct hak_event_fields *fields) {
    if (hak_writer.ended && hak_writer.depth == 0)
        record_late(fields);
    else
        count_unrecorded(fields);
}

static HAK_COLD void record_wide(struct hak_event_fields *fields) {
    uint64_t at;
    if (!hak_ring_reserve(2, &at, &fields->time)) {
        fail_to_record(fields);
        return;
    }
    hak_count_record(fields);
    *hak_ring_slot(at + 1) = hak_record_pack_wide(fields, HAK_CONTINUATION);
    *hak_ring_slot(at) = hak_record_pack(fields);
    hak_ring_finish();
}

static HAK_COLD void record_slowly(struct hak_event_fields *fields) {
    uint64_t at;
    if (!reserve_slowly(1, &at, &fields->time)) {
        fail_to_record(fields);
        return;
    }
    hak_count_record(fields);
    *hak_ring_slot(at) = hak_record_pack_narrow(fields);
    hak_ring_finish();
}

void hak_trace_record(struct hak_event_fields *fields) {
    struct hak_writer *w = &hak_writer;
    uint64_t at;
    if (HAK_UNLIKELY(hak_fields_are_wide(fields))) {
        record_wide(fields);
        return;
    }
    if (HAK_UNLIKELY(!try_reserve(w, 1, &at, &fields->time))) {
        record_slowly(fields);
        return;
    }
    hak_count_record(fields);
    w->records[at & w->mask] = hak_record_pack_narrow(fields);
    finish(w);
}

void hak_trace_count_amount(enum hak_counted which, unsigned class_index, uint64_t amount) {
    struct hak_writer *w = &hak_writer;
    enter(w);
    if (hak_current.session &&
        atomic_load_explicit(hak_current.alive, memory_order_relaxed) != HAK_ALIVE_GO) {
        finish(w);
        (void)hak_current_look();
        enter(w);
    }
    hak_count_amount(which, class_index, amount);
    finish(w);
}

static void write_bytes(struct hak_event_fields *head, const struct hak_payload_part *parts,
                        unsigned part_count) {
    uint64_t at, total = 0;
    for (unsigned i = 0; i < part_count; i++)
        total += parts[i].byte_count;
    unsigned follow = (unsigned)((total + HAK_CONTINUATION_BYTES - 1) / HAK_CONTINUATION_BYTES);
    if (total == 0 || total > HAK_PAYLOAD_MAX || !hak_ring_reserve(1 + follow, &at, &head->time))
        return;
    const unsigned char *from = parts->bytes;
    uint32_t left = parts->byte_count;
    for (unsigned i = 0; i < follow; i++) {
        struct hak_record more = {{0}};
        unsigned char *to = (unsigned char *)&more.w[1];
        for (unsigned filled = 0; filled < HAK_CONTINUATION_BYTES; filled++) {
            while (left == 0 && part_count > 1) {
                parts++;
                part_count--;
                from = parts->bytes;
                left = parts->byte_count;
            }
            if (left == 0)
                break;
            to[filled] = *from++;
            left--;
        }
        more.w[0] = (head->time & (((uint64_t)1 << HAK_TIME_BITS) - 1)) |
                    (uint64_t)HAK_CONTINUATION << 48 | (uint64_t)(follow - 1 - i) << 56;
        *hak_ring_slot(at + 1 + i) = more;
    }
    head->size = total;
    head->flags |= HAK_RECORD_WIDE;
    *hak_ring_slot(at) = hak_record_pack(head);
    hak_ring_finish();
}

void hak_ring_write_bytes(struct hak_event_fields *head, const struct hak_payload_part *parts,
                          unsigned part_count) {
    bool keeps = hak_current.overwrites &&
                 (head->kind == HAK_MODULE_LOAD || head->kind == HAK_PROCESS_START);
    keeps = keeps && hak_ring_begin_kept();
    write_bytes(head, parts, part_count);
    if (keeps)
        hak_ring_end_kept();
}

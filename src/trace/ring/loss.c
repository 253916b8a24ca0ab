/* Counts events that are not recorded, and tells of them; waits for room before that. */
#include "superslab.h"
#include "trace/ring/ring.h"
#include "trace/wait.h"

enum {
    STALE_MS = 3000,
    FULL_WAIT_MS = 2000,        /* when the keeper's heart has stopped beating */
    FULL_WAIT_ALIVE_MS = 10000, /* while it beats: a worker may be on its way */
};

bool hak_ring_wait_a_slice(uint32_t commits, uint64_t begin_ns) {
    if (!hak_current_is_over())
        hak_current_await_commit(commits, HAK_RING_WAIT_SLICE_MS);
    if (hak_current.is_left || hak_current_is_over()) /* no collector reads it any more */
        return false;
    uint64_t limit = hak_current_collector_beats(STALE_MS) ? FULL_WAIT_ALIVE_MS : FULL_WAIT_MS;
    if (hak_monotonic_ns() - begin_ns >= limit * HAK_MILLISECOND_NS)
        return false;
    hak_current_replace_collector(HAK_RING_DEAD_AFTER_MS);
    return true;
}

void hak_ring_count_loss(enum hak_loss_reason reason) {
    struct hak_writer *w = &hak_writer;
    uint64_t now = hak_session_ticks();
    /* One instruction: a signal handler of this thread may count or tell in between. */
    if (__atomic_fetch_add(&w->loss.count, 1, __ATOMIC_RELAXED) == 0) {
        w->loss.from = now;
        w->loss.reason = (uint8_t)reason;
    }
    w->loss.to = now;
    w->room = 0; /* so that the next record tells of it */
    struct hak_ring_entry *ring = w->ring ? w->ring : hak_ring_shared_entry();
    if (ring)
        atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
}

struct hak_event_fields hak_ring_take_loss(void) {
    struct hak_loss *loss = &hak_writer.loss;
    struct hak_event_fields fields = {.kind = HAK_LOSS,
                                      .class_index = HAK_CLASS_NONE,
                                      .size =
                                          __atomic_exchange_n(&loss->count, 0, __ATOMIC_RELAXED),
                                      .address = loss->from,
                                      .old_address = loss->to,
                                      .subkind = loss->reason};
    return fields;
}

bool hak_ring_has_left_record(void) {
    struct hak_writer *w = &hak_writer;
    uint64_t head = atomic_load_explicit(w->head, memory_order_relaxed);
    if (head != w->beside_head)
        w->beside_count = 0;
    w->beside_head = head;
    if (++w->beside_count <= (w->mask + 1) / 4)
        return false;
    w->beside_count = 0;
    hak_ring_give_up_unfinished();
    return true;
}

/* Gives up a record that will never be finished: the handler that interrupted it left by longjmp,
 * or the thread dies. A reserved record that is older than the one before it is replaced by a LOSS
 * of one. */
void hak_ring_give_up_unfinished(void) {
    struct hak_writer *w = &hak_writer;
    if (w->depth == 0 || !w->ring)
        return;
    uint64_t head = atomic_load_explicit(w->head, memory_order_relaxed);
    uint64_t last = w->claimed_ticks; /* unwritten slots are older than published ones */
    if (head > 0 && hak_record_time(hak_ring_slot(head - 1)) > last)
        last = hak_record_time(hak_ring_slot(head - 1));
    for (uint64_t at = head; at != w->reserved; at++) {
        struct hak_record *record = hak_ring_slot(at);
        if (hak_record_time(record) >= last) {
            last = hak_record_time(record);
            continue;
        }
        struct hak_event_fields loss = {.kind = HAK_LOSS,
                                        .class_index = HAK_CLASS_NONE,
                                        .time = last,
                                        .address = last,
                                        .size = 1,
                                        .subkind = HAK_LOSS_UNFINISHED};
        *record = hak_record_pack(&loss);
        atomic_fetch_add_explicit(&w->ring->lost, 1, memory_order_relaxed);
    }
    w->depth = 0;
    atomic_store_explicit(w->head, w->reserved, memory_order_release);
}

/* Level light: records the known lives of guarded blocks when a report is made, as if they had been
 * recorded while they happened.
 *
 *   each_life --> events, by thread and time --> a ring for each thread --CLOSED--> collector
 *
 * No other record is written there. Events without room or memory are counted as lost. */
#include "check.h"
#include "hop.h"
#include "platform/block_signals.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "superslab.h"
#include "trace/collector/collector.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/ring/ring.h"
#include "trace/trace.h"

enum { EVENTS_MAX = 1 << 13 };

struct event {
    uint32_t thread;
    int32_t tid;
    struct hak_event_fields fields;
};

struct events {
    struct event *list;
    uint32_t count, capacity, lost;
};

static void add(struct events *events, uint32_t thread, int32_t tid, uint64_t ticks,
                const struct hak_event_fields *fields) {
    if (thread == 0)
        return;
    if (events->count == events->capacity) {
        events->lost++;
        return;
    }
    struct event *event = &events->list[events->count++];
    *event = (struct event){.thread = thread, .tid = tid, .fields = *fields};
    event->fields.time = ticks > hak_current.tsc_start ? ticks - hak_current.tsc_start : 0;
}

static void add_life(void *context, const struct hak_guarded_life *life) {
    struct hak_event_fields fields = {
        .kind = HAK_MALLOC,
        .class_index = HAK_CLASS_NONE,
        .address = life->user,
        .delta_bytes = life->delta_bytes,
        .size = life->asked_bytes,
        .stack = life->alloc_stack,
        .record_count = life->record_count,
        .epoch = life->epoch,
        .place = HAK_PLACE_GUARDED,
        .subkind = life->taken_by,
    };
    add(context, life->born_thread, life->born_tid, life->born_ticks, &fields);
    fields.kind = HAK_FREE;
    fields.stack = life->free_stack;
    fields.record_count++;
    fields.subkind = HAK_GIVEN_BY_FREE;
    add(context, life->freed_thread, life->freed_tid, life->freed_ticks, &fields);
}

/* ---- in order -------------------------------------------------------------------------------- */

/* Events of a block may have one time: all that were before the session have. */
static bool is_before(const struct event *a, const struct event *b) {
    const struct hak_event_fields *of_a = &a->fields, *of_b = &b->fields;
    if (a->thread != b->thread)
        return a->thread < b->thread;
    if (of_a->time != of_b->time)
        return of_a->time < of_b->time;
    return of_a->epoch != of_b->epoch ? of_a->epoch < of_b->epoch
                                      : of_a->record_count < of_b->record_count;
}

static void sink(struct event *heap, uint32_t at, uint32_t count) {
    struct event event = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_before(&heap[child], &heap[child + 1]))
            child++;
        if (!is_before(&event, &heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = event;
}

static void sort(struct event *list, uint32_t count) {
    for (uint32_t i = count / 2; i > 0; i--)
        sink(list, i - 1, count);
    for (uint32_t end = count; end > 1; end--) {
        struct event last = list[end - 1];
        list[end - 1] = list[0];
        list[0] = last;
        sink(list, 0, end - 1);
    }
}

/* ---- into the session ------------------------------------------------------------------------ */

/* A ring of one thread with its events; the collector reads it once its head is there. */
static bool write_ring(const struct event *list, uint32_t count) {
    uint64_t records = 0, bytes = HAK_PAGE_BYTES;
    for (uint32_t i = 0; i < count; i++)
        records += hak_fields_are_wide(&list[i].fields) ? 2 : 1;
    while (bytes < records * HAK_RECORD_BYTES)
        bytes *= 2;
    struct hak_ring_entry *ring = hak_ring_claim(bytes, false);
    if (!ring)
        return false;
    ring->thread = list[0].thread;
    ring->tid = list[0].tid;
    struct hak_record *to = (struct hak_record *)((char *)hak_current.session + ring->offset);
    uint64_t head = atomic_load(&ring->head), mask = ring->capacity - 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct hak_event_fields *fields = &list[i].fields;
        to[head++ & mask] = hak_record_pack(fields);
        if (hak_fields_are_wide(fields))
            to[head++ & mask] = hak_record_pack_wide(fields, HAK_CONTINUATION);
    }
    atomic_store_explicit(&ring->head, head, memory_order_release);
    atomic_store_explicit(&ring->state, HAK_RING_CLOSED, memory_order_release);
    return true;
}

static uint32_t write_all(const struct event *list, uint32_t count) {
    uint32_t lost = 0;
    for (uint32_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && list[end].thread == list[i].thread;)
            end++;
        if (!write_ring(&list[i], end - i))
            lost += end - i;
    }
    return lost;
}

void hak_crash_bring_lives(bool again) {
    size_t bytes = EVENTS_MAX * sizeof(struct event);
    struct events events = {.list = hak_raw_map(bytes)};
    uint64_t signals;
    events.capacity = events.list ? EVENTS_MAX : 0;
    hak_block_signals(&signals);
    hak_current_enter_claim();
    hak_crash_each_life(again, add_life, &events);
    sort(events.list, events.count);
    events.lost += write_all(events.list, events.count);
    if (events.lost)
        atomic_fetch_add(&hak_current.process->lost_unringed, events.lost);
    hak_current_leave_claim();
    hak_restore_signals(&signals);
    if (events.list)
        hak_raw_unmap(events.list, bytes);
}

/* Chooses the records of a commit and merges the rings by time. */
#include "collector/drain/cut_edge.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/growing.h"
#include "store/codec/codec.h"

#define SOON_NS   50000000u
#define LATEST_NS 250000000u

void hak_cut_free(struct hak_cut *cut) {
    free(cut->lanes);
    free(cut->heap);
    *cut = (struct hak_cut){0};
}

/* Makes room for one more lane, and its place in the heap. False without memory. */
static bool reserve_lane(struct hak_cut *cut) {
    uint32_t lanes = cut->capacity, heap = cut->capacity;
    if (!hak_growing_make_room(&cut->lanes, cut->lane_count, &lanes, sizeof *cut->lanes) ||
        !hak_growing_make_room(&cut->heap, cut->lane_count, &heap, sizeof *cut->heap))
        return false;
    cut->capacity = lanes;
    return true;
}

/* Moves the ring's position over records that were written over, and adds a loss of them. */
static void skip_lost(struct hak_drain *drain, struct hak_lane *lane) {
    struct hak_ring_cursor *cursor = &lane->client->rings[lane->ring];
    uint64_t unread = lane->view.head - cursor->position;
    if (unread <= lane->view.capacity)
        return;
    uint64_t ns = hak_clock_ns(&lane->client->clock, lane->client->clock.latest_ticks);
    hak_rows_add_loss(drain->rows, cursor->process_row, cursor->thread_row, ns, ns,
                      unread - lane->view.capacity, "ring overwritten");
    hak_client_lose(cursor, cursor->position, lane->view.head - lane->view.capacity);
    cursor->position += unread - lane->view.capacity;
}

/* Adds a lane for each ring of the client that has unread records; one whose positions cannot be
 * right is left out. */
static void add_lanes(struct hak_cut *cut, struct hak_client *client) {
    for (uint32_t i = 0; i < client->rings_high; i++) {
        struct hak_ring_cursor *cursor = &client->rings[i];
        if (atomic_load_explicit(&hak_mapping_ring(&client->map, i)->head, memory_order_acquire) ==
                cursor->position ||
            !reserve_lane(cut))
            continue;
        struct hak_lane *lane = &cut->lanes[cut->lane_count];
        *lane = (struct hak_lane){.client = client, .ring = i};
        hak_mapping_view(&client->map, i, &lane->view);
        if (lane->view.head < cursor->position || lane->view.capacity == 0)
            continue; /* no program of ours does that; nothing can be read */
        lane->limit = lane->view.head;
        cut->lane_count++;
    }
}

/* ---- the heap of lanes ----------------------------------------------------------------------- */

/* Lets the entry at `at` sink in the heap until its children are later. */
static void sink(struct hak_cut *cut, uint32_t at) {
    struct hak_cut_entry *heap = cut->heap, entry = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < cut->heap_count; at = child) {
        if (child + 1 < cut->heap_count && heap[child + 1].ns < heap[child].ns)
            child++;
        if (entry.ns <= heap[child].ns)
            break;
        heap[at] = heap[child];
    }
    heap[at] = entry;
}

/* How far the top lane may go on before another one has an older record. */
static uint64_t second_time(const struct hak_cut *cut) {
    uint64_t left = cut->heap_count > 1 ? cut->heap[1].ns : UINT64_MAX;
    uint64_t right = cut->heap_count > 2 ? cut->heap[2].ns : UINT64_MAX;
    return left < right ? left : right;
}

/* The moment of the cut in the client's ticks, HAK_CUT_MARGIN_TICKS before `tsc`; 0: it is before
 * the session's start. Of a file its reference. */
static uint64_t cut_ticks_of(const struct hak_client *client, uint64_t tsc) {
    uint64_t ticks = tsc - client->clock.tsc_start;
    if (client->is_file)
        return client->file_reference;
    return ticks > HAK_CUT_MARGIN_TICKS && ticks < (uint64_t)1 << 62 ? ticks - HAK_CUT_MARGIN_TICKS
                                                                     : 0;
}

/* Runs of records: from one lane as long as no other has an older one. */
static void merge(struct hak_cut *cut, struct hak_drain *drain) {
    while (cut->heap_count > 0 && !drain->batch->is_full) {
        struct hak_lane *lane = &cut->lanes[cut->heap[0].lane];
        if (!hak_drain_run(drain, lane, second_time(cut)))
            cut->heap[0] = cut->heap[--cut->heap_count];
        else
            cut->heap[0].ns = lane->ns;
        if (cut->heap_count > 1)
            sink(cut, 0);
    }
    cut->more = cut->heap_count > 0;
}

struct hak_cut_moment hak_cut_now(void) {
    struct hak_cut_moment moment = {0};
    hak_clock_read(&moment.tsc, &moment.ns);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return moment;
}

void hak_cut_fill(struct hak_cut *cut, struct hak_client **clients, uint32_t count,
                  struct hak_drain *drain, int watch, uint64_t capture_start_ns,
                  struct hak_cut_moment moment) {
    uint64_t tsc = moment.tsc, now = moment.ns;
    cut->lane_count = cut->heap_count = 0;
    cut->more = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rings = hak_mapping_ring_count(&clients[i]->map);
        if (rings > clients[i]->rings_high)
            clients[i]->rings_high = rings;
        add_lanes(cut, clients[i]);
    }
    /* After the heads: the writer of a covered record had filled in its entry, and the nodes that
     * it names, before; so had the writer of a node its entry. */
    for (uint32_t i = 0; i < count; i++) {
        hak_node_map_read_count(clients[i]);
        if (!clients[i]->is_file)
            hak_clock_anchor(&clients[i]->clock, tsc - clients[i]->clock.tsc_start,
                             now - capture_start_ns);
        hak_client_look_at_processes(clients[i], drain->rows, watch);
        hak_node_map_take(clients[i], drain->rows, now);
    }
    for (uint32_t i = 0; i < cut->lane_count; i++) {
        skip_lost(drain, &cut->lanes[i]);
        if (hak_drain_begin(&cut->lanes[i], cut_ticks_of(cut->lanes[i].client, tsc)))
            cut->heap[cut->heap_count++] = (struct hak_cut_entry){cut->lanes[i].ns, i};
    }
    for (uint32_t i = cut->heap_count; i > 0; i--)
        sink(cut, i - 1);
    merge(cut, drain);
    hak_cut_take_edge(cut, drain);
}

int hak_cut_put_cursors(const struct hak_cut *cut, struct hak_store_writer *writer) {
    for (uint32_t i = 0; i < cut->lane_count; i++) {
        const struct hak_lane *lane = &cut->lanes[i];
        const struct hak_ring_cursor *cursor = &lane->client->rings[lane->ring];
        if (cursor->position == cursor->stored)
            continue;
        struct hak_cursor_row row = {.session = lane->client->number,
                                     .ring = lane->ring,
                                     .position = cursor->position,
                                     .time = cursor->time};
        int error = hak_store_put_cursor(writer, &row);
        if (error)
            return error;
    }
    return 0;
}

void hak_cut_stored(struct hak_cut *cut, struct hak_client **clients, uint32_t count) {
    for (uint32_t i = 0; i < cut->lane_count; i++) {
        struct hak_lane *lane = &cut->lanes[i];
        struct hak_ring_cursor *cursor = &lane->client->rings[lane->ring];
        if (cursor->stored == cursor->position)
            continue;
        cursor->stored = cursor->position;
        lane->client->moved = true;
        atomic_store_explicit(&hak_mapping_ring(&lane->client->map, lane->ring)->tail,
                              cursor->stored, memory_order_release);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct hak_session *s = hak_mapping_header(&clients[i]->map);
        if (!clients[i]->moved)
            continue;
        clients[i]->moved = false;
        atomic_fetch_add(&s->commits, 1);
        syscall(SYS_futex, &s->commits, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

struct hak_waiting hak_cut_waiting(struct hak_client **clients, uint32_t count) {
    struct hak_waiting waiting = {0};
    for (uint32_t c = 0; c < count; c++) {
        waiting.has_new |= hak_client_has_unseen(clients[c]);
        waiting.half_full |= hak_node_map_waits(clients[c]);
        bool is_closing = atomic_load(&hak_mapping_header(&clients[c]->map)->closing) != 0;
        for (uint32_t i = 0; i < clients[c]->rings_high; i++) {
            struct hak_ring_entry *r = hak_mapping_ring(&clients[c]->map, i);
            uint64_t unread = atomic_load_explicit(&r->head, memory_order_relaxed) -
                              clients[c]->rings[i].position;
            uint32_t state = atomic_load_explicit(&r->state, memory_order_relaxed);
            waiting.has_ended |= state == HAK_RING_CLOSED || (is_closing && unread);
            if (unread == 0)
                continue;
            waiting.records += unread;
            if (unread > *(const volatile uint64_t *)&r->capacity / 2)
                waiting.half_full = true;
        }
    }
    return waiting;
}

bool hak_cut_is_due(const struct hak_waiting *waiting, uint64_t since_ns) {
    if (waiting->half_full)
        return true;
    if (since_ns < SOON_NS)
        return false;
    return waiting->records == 0 || waiting->records >= HAK_CHUNK_EVENTS_MAX || waiting->has_new ||
           waiting->has_ended || since_ns >= LATEST_NS;
}

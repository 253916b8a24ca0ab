/* Decodes records into columns: plain ones in a tight loop, the others one by one. */
#include "collector/drain/records.h"

#include <string.h>
#include "hop.h"
#include "trace/record.h"

#define FUTURE   ((uint64_t)1 << 40) /* records may be newer than the cut by some minutes */
#define NONSENSE ((uint64_t)1 << 33) /* newer than the cut by seconds: no clock says that */

/* Kinds that are an event and nothing besides; the others go through take_other. */
#define TELLS_MORE(kind)                                                                           \
    ((kind) == HAK_THREAD_START || (kind) == HAK_THREAD_END || (kind) == HAK_PROCESS_START ||      \
     (kind) == HAK_MODULE_LOAD || (kind) == HAK_MODULE_UNLOAD || (kind) == HAK_MARK ||             \
     (kind) == HAK_POOL || (kind) == HAK_POOL_CREATE || (kind) == HAK_POOL_PLACE ||                \
     (kind) == HAK_ALLOCATOR || (kind) == HAK_FORK || (kind) == HAK_FAULT || (kind) == HAK_LEAK || \
     (kind) == HAK_LOSS || (kind) == HAK_CONTINUATION || (kind) == HAK_RECORD_STOP ||              \
     (kind) == HAK_RECORD_START || (kind) == HAK_THREAD_SWITCH)
static const bool is_plain[256] = {
#define HOP(name, number, from, to, sentence) [number] = true,
#define NOTE(name, number, sentence)          [number] = !TELLS_MORE(number),
#include "hops.def"
};

/* Whether hops.def has a record of this kind that is an event of its own: no continuation, no
 * switch of threads. */
static bool is_kind(uint8_t kind) {
    static const bool known[256] = {
#define HOP(name, number, from, to, sentence) [number] = true,
#define NOTE(name, number, sentence)          [number] = true,
#include "hops.def"
    };
    return known[kind] && kind != HAK_CONTINUATION && kind != HAK_THREAD_SWITCH;
}

static bool has_bytes(uint8_t kind) {
    return kind == HAK_THREAD_START || kind == HAK_THREAD_END || kind == HAK_PROCESS_START ||
           kind == HAK_MODULE_LOAD || kind == HAK_MARK || kind == HAK_POOL ||
           kind == HAK_POOL_CREATE || kind == HAK_POOL_PLACE || kind == HAK_ALLOCATOR;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Completes the 48 bits of a record's time by the present: what they can mean lies within a day
 * before it. Along a ring times never go back. False when it is behind the cut. */
static inline bool complete_time(const struct hak_lane *lane, uint64_t told, uint64_t before,
                                 uint64_t *out) {
    uint64_t ticks = lane->reference - hak_record_time_bits(lane->reference - told);
    if (__builtin_expect(ticks > lane->reference, 0)) /* before the session's start */
        ticks = hak_record_time_bits(told);
    if (__builtin_expect(ticks > lane->cut_ticks, 0)) {
        if (ticks < lane->cut_ticks + NONSENSE)
            return false;
        ticks = lane->cut_ticks;
    }
    *out = ticks < before ? before : ticks;
    return true;
}

bool hak_drain_pass(struct hak_lane *lane, uint64_t position) {
    if (position >= lane->limit)
        return false;
    struct hak_record head = hak_view_record(&lane->view, position);
    if (!complete_time(lane, head.w[0], lane->ticks, &lane->ticks))
        return false;
    lane->ns = hak_clock_exact_ns(&lane->client->clock, lane->ticks);
    return true;
}

bool hak_drain_begin(struct hak_lane *lane, uint64_t cut_ticks) {
    const struct hak_ring_cursor *cursor = &lane->client->rings[lane->ring];
    lane->cut_ticks = cut_ticks;
    lane->reference = lane->client->is_file ? cut_ticks : cut_ticks + FUTURE;
    lane->ticks = cursor->time;
    return hak_drain_pass(lane, cursor->position);
}

/* ---- owners ---------------------------------------------------------------------------------- */

struct owner {
    uint32_t process_index, thread_number;
    int32_t tid;
};

static struct owner owner_of(const struct hak_ring_view *view) {
    return (struct owner){view->process < HAK_PROCESSES ? view->process : 0, view->thread,
                          view->tid};
}

/* Gives the cursor the rows of the thread that wrote the next records. */
static void set_owner(struct hak_drain *d, struct hak_client *c, struct hak_ring_cursor *cursor,
                      const struct owner *owner, uint64_t ns) {
    if (cursor->thread_row != 0 && cursor->process_index == owner->process_index &&
        cursor->thread_number == owner->thread_number)
        return;
    cursor->process_row = hak_client_process_row(c, d->rows, owner->process_index, ns);
    cursor->thread_row =
        hak_rows_thread(d->rows, cursor->process_row, owner->thread_number, owner->tid, ns);
    cursor->process_index = owner->process_index;
    cursor->thread_number = owner->thread_number;
}

/* Passes over a THREAD_SWITCH in a ring that threads share: the record behind it is of the thread
 * that it names, and becomes `head`. They were written as one, so the switch is taken with it.
 * Returns how many records were passed over. */
static uint32_t pass_switch(const struct hak_ring_view *view, uint64_t position, uint64_t limit,
                            struct hak_record *head, struct owner *owner) {
    if (hak_record_kind_of(head) != HAK_THREAD_SWITCH || position + 1 >= limit)
        return 0;
    struct hak_event_fields f = hak_record_unpack(head, NULL);
    owner->thread_number = (uint32_t)f.size;
    owner->tid = (int32_t)f.address;
    *head = hak_view_record(view, position + 1);
    return 1;
}

/* The rows of the ring's owner, asked once for a lane; 0 = there is no memory for them. */
static uint64_t find_actor(struct hak_drain *d, struct hak_lane *lane) {
    struct hak_ring_cursor *cursor = &lane->client->rings[lane->ring];
    struct owner owner = owner_of(&lane->view);
    set_owner(d, lane->client, cursor, &owner, hak_clock_round(lane->ns));
    if (cursor->process_row && cursor->thread_row)
        lane->actor = (uint64_t)cursor->process_row << 32 | cursor->thread_row;
    return lane->actor;
}

/* ---- one by one ------------------------------------------------------------------------------ */

/* Reads the continuations behind the head record: their bytes, or (`wide`) the first of them. */
static uint32_t read_continuations(const struct hak_ring_view *view, uint64_t position,
                                   uint64_t limit, struct hak_record *wide,
                                   struct hak_drain_bytes *p) {
    uint32_t taken = 0;
    p->count = 0;
    while (position + taken < limit) {
        struct hak_record r = hak_view_record(view, position + taken);
        if (hak_record_kind_of(&r) != HAK_CONTINUATION)
            break;
        if (taken == 0)
            *wide = r;
        if (p->count + HAK_CONTINUATION_BYTES <= HAK_DRAIN_BYTES_MAX) {
            memcpy(p->bytes + p->count, &r.w[1], HAK_CONTINUATION_BYTES);
            p->count += HAK_CONTINUATION_BYTES;
        }
        taken++;
        if (hak_record_class(&r) == 0)
            break;
    }
    return taken;
}

uint32_t hak_drain_peek(const struct hak_lane *lane, uint64_t *position,
                        struct hak_block_move *moves) {
    const struct hak_ring_view *view = &lane->view;
    static struct hak_drain_bytes ignored; /* 6 KiB: one worker thread */
    struct hak_record head = hak_view_record(view, *position), wide = {{0}};
    struct owner owner;
    *position += 1 + pass_switch(view, *position, lane->limit, &head, &owner);
    uint64_t at = *position, address = hak_record_address_of(&head);
    bool is_wide = (hak_record_flags_of(&head) & HAK_RECORD_WIDE) != 0;
    uint32_t count = hak_record_batch_count(&head), kind = hak_record_kind_of(&head);
    if (is_wide)
        *position += read_continuations(view, at, lane->limit, &wide, &ignored);
    if (kind == 0 || kind >= HAK_MOVES_END || (is_wide && *position == at))
        return 0;
    struct hak_event_fields f = hak_record_unpack(&head, is_wide && !count ? &wide : NULL);
    uint64_t base = (f.address & ~(uint64_t)7) - f.delta_bytes, epoch = (uint64_t)f.epoch << 32;
    moves[0] = (struct hak_block_move){base, epoch | f.record_count};
    if (count > HAK_MOVES_BATCH_MAX || (count && hak_batch_continuations(count) > *position - at))
        return 0;
    for (uint32_t i = 1; i < count; i++) {
        struct hak_record more = hak_view_record(view, at + (i - 1) / HAK_BATCH_PER_RECORD);
        uint64_t word = more.w[1 + (i - 1) % HAK_BATCH_PER_RECORD];
        moves[i] = (struct hak_block_move){hak_batch_address(word, address) + (base - address),
                                           epoch | hak_batch_record_count(word)};
    }
    return count ? count : 1;
}

/* The blocks of a batch of moves; its head stands at `position` and has given `event`. Returns how
 * many records they were, 0 = it cannot be right. */
static uint32_t put_moves(struct hak_batch *batch, const struct hak_ring_view *view,
                          uint64_t position, uint64_t limit, const struct hak_record *head,
                          struct hak_event *event) {
    uint32_t count = hak_record_batch_count(head), follow = hak_batch_continuations(count);
    uint64_t address = event->address, base = event->base;
    uint64_t epoch = event->generation & ~(uint64_t)UINT32_MAX;
    if (count > HAK_MOVES_BATCH_MAX || follow >= limit - position)
        return 0;
    for (uint32_t i = 0; i < follow; i++) {
        struct hak_record more = hak_view_record(view, position + 1 + i);
        if (hak_record_kind_of(&more) != HAK_CONTINUATION ||
            hak_record_class(&more) != follow - 1 - i)
            return 0;
    }
    event->size = event->old_address = 0;
    hak_batch_add(batch, event);
    for (uint32_t i = 0; i + 1 < count; i++) {
        struct hak_record more = hak_view_record(view, position + 1 + i / HAK_BATCH_PER_RECORD);
        uint64_t word = more.w[1 + i % HAK_BATCH_PER_RECORD];
        event->address = hak_batch_address(word, address);
        event->base = event->address + (base - address);
        event->generation = epoch + hak_batch_record_count(word);
        hak_batch_add(batch, event);
    }
    return 1 + follow;
}

/* Takes the lane's next record, whatever it is, with its continuations. The batch must have room
 * for HAK_MOVES_BATCH_MAX events. */
static void take_other(struct hak_drain *drain, struct hak_lane *lane) {
    struct hak_client *client = lane->client;
    const struct hak_ring_view *view = &lane->view;
    struct hak_ring_cursor *cursor = &client->rings[lane->ring];
    struct hak_record head = hak_view_record(view, cursor->position), wide = {{0}};
    static struct hak_drain_bytes payload; /* 6 KiB: one worker thread */
    struct owner owner = owner_of(view);
    struct hak_drain_origin origin = {client, lane->ring, cursor->position, lane->ticks};
    uint32_t passed = pass_switch(view, cursor->position, lane->limit, &head, &owner);
    uint32_t taken = 1 + passed;
    origin.position += passed;
    bool bytes = has_bytes(hak_record_kind_of(&head));
    payload.count = 0;
    bool is_batch = hak_record_batch_count(&head) > 0;
    if ((hak_record_flags_of(&head) & HAK_RECORD_WIDE) && !is_batch)
        taken += read_continuations(view, origin.position + 1, lane->limit, &wide, &payload);
    bool is_whole = is_batch || taken > 1 + passed;
    struct hak_event_fields f =
        hak_record_unpack(&head, is_whole && !bytes && !is_batch ? &wide : NULL);
    uint64_t ns = hak_clock_round(lane->ns);
    cursor->position += taken;
    cursor->time = lane->ticks;
    set_owner(drain, client, cursor, &owner, ns);
    uint32_t process = cursor->process_row, thread = cursor->thread_row;
    /* Halves of a record whose other half became a LOSS, which has counted it (ring.md). */
    if (f.kind == HAK_CONTINUATION || ((hak_record_flags_of(&head) & HAK_RECORD_WIDE) && !is_whole))
        return;
    if (!is_kind(f.kind) || process == 0 || thread == 0) {
        hak_rows_add_loss(drain->rows, process, thread, ns, ns, 1,
                          is_kind(f.kind) ? "no memory" : "broken record");
        return;
    }
    struct hak_event event = {
        .ns = ns,
        .address = f.address,
        .base = (f.address & ~(uint64_t)7) - f.delta_bytes, /* delta is in units of 8 */
        .size = f.size,
        .old_address = bytes || f.kind == HAK_LOSS ? 0 : f.old_address,
        /* record_count of a thread's start is its creator */
        .generation = f.kind == HAK_THREAD_START ? 0 : (uint64_t)f.epoch << 32 | f.record_count,
        .process = process,
        .thread = thread,
        .stack = hak_client_node_row(client, drain->rows, f.stack, owner.process_index, ns),
        .kind = f.kind,
        .class_index = f.class_index,
        .place = f.place,
        .subkind = f.subkind,
        .flags = (uint8_t)(f.flags & ~HAK_RECORD_WIDE),
    };
    if (is_batch) {
        taken = put_moves(drain->batch, view, origin.position, lane->limit, &head, &event);
        if (taken)
            cursor->position = origin.position + taken;
        else
            hak_rows_add_loss(drain->rows, process, thread, ns, ns, 1, "broken record");
        return;
    }
    uint32_t place = hak_batch_add(drain->batch, &event);
    if (f.kind >= 64)
        hak_drain_note(drain, &origin, place, &event, &f, &payload);
}

/* ---- in a loop ------------------------------------------------------------------------------- */

/* The row of a stack of the lane's process. */
static inline uint32_t stack_row(struct hak_drain *d, const struct hak_lane *lane, uint32_t id,
                                 uint64_t ns) {
    uint32_t row = hak_node_map_row(&lane->client->nodes, id);
    if (__builtin_expect(row != 0 || id == 0, 1))
        return row;
    uint32_t index = lane->view.process < HAK_PROCESSES ? lane->view.process : 0;
    return hak_client_node_row(lane->client, d->rows, id, index, ns);
}

bool hak_drain_run(struct hak_drain *drain, struct hak_lane *lane, uint64_t until) {
    struct hak_batch *batch = drain->batch;
    struct hak_ring_cursor *cursor = &lane->client->rings[lane->ring];
    const struct hak_clock *clock = &lane->client->clock;
    const struct hak_clock_line line = clock->line;
    const struct hak_record *records = lane->view.records;
    const uint64_t mask = lane->view.capacity - 1, limit = lane->limit;
    uint64_t actor = lane->actor ? lane->actor : find_actor(drain, lane);
    uint64_t *const *value = batch->columns.value;
    uint64_t *shapes = value[HAK_COLUMN_SHAPE], *actors = value[HAK_COLUMN_ACTOR];
    uint64_t *times = value[HAK_COLUMN_NS], *bases = value[HAK_COLUMN_BASE];
    uint64_t *deltas = value[HAK_COLUMN_DELTA], *stacks = value[HAK_COLUMN_STACK];
    uint64_t *sizes = value[HAK_COLUMN_SIZE], *olds = value[HAK_COLUMN_OLD];
    uint64_t *generations = value[HAK_COLUMN_GENERATION];
    uint64_t position = cursor->position, ticks = lane->ticks, ns = lane->ns;
    uint32_t place = batch->count;
    bool is_more = true;
    hak_batch_begin_run(batch, lane->client->number << 12 | (lane->ring & (HAK_RINGS - 1)));
    cursor->known = true;
    while (ns <= until && place < batch->most) {
        struct hak_record r = hak_record_read(&records[position & mask]);
        uint8_t kind = hak_record_kind_of(&r);
        uint64_t flags = hak_record_flags_of(&r), address = hak_record_address_of(&r);
        uint64_t delta = (address & 7) + hak_record_delta_bytes(&r);
        uint64_t size = hak_record_size_of(&r), old = 0, generation = hak_record_generation(&r);
        uint32_t taken = 1;
        if (__builtin_expect(!is_plain[kind] || actor == 0 || (flags & HAK_RECORD_WIDE), 0)) {
            struct hak_record more = {{0}};
            if (is_plain[kind] && actor && position + 1 < limit && !hak_record_batch_count(&r))
                more = hak_record_read(&records[(position + 1) & mask]);
            if (hak_record_kind_of(&more) != HAK_CONTINUATION || hak_record_class(&more) != 0) {
                if (place + HAK_MOVES_BATCH_MAX > batch->most) {
                    batch->is_full = true;
                    break;
                }
                cursor->position = position;
                lane->ticks = ticks;
                lane->ns = ns;
                batch->count = place;
                take_other(drain, lane);
                place = batch->count;
                position = cursor->position;
                goto next;
            }
            size = more.w[1];
            old = more.w[2];
            generation = hak_wide_generation(&r, &more);
            delta = (address & 7) + hak_wide_delta_bytes(&more);
            taken = 2;
        }
        shapes[place] =
            kind | (uint64_t)hak_record_class(&r) << 8 | (uint64_t)hak_record_place(&r) << 16 |
            (uint64_t)hak_record_subkind(&r) << 24 | (flags & ~(uint64_t)HAK_RECORD_WIDE) << 32;
        actors[place] = actor;
        times[place] = hak_clock_round(ns);
        bases[place] = address - delta;
        deltas[place] = delta;
        stacks[place] = stack_row(drain, lane, hak_record_stack(&r), ns);
        sizes[place] = size;
        olds[place] = old;
        generations[place] = generation;
        place++;
        position += taken;
    next:
        cursor->time = ticks;
        if (position >= limit ||
            !complete_time(lane, __atomic_load_n(&records[position & mask].w[0], __ATOMIC_RELAXED),
                           ticks, &ticks)) {
            is_more = false;
            break;
        }
        ns = __builtin_expect(ticks >= line.ticks, 1) ? hak_clock_on_line(&line, ticks)
                                                      : hak_clock_exact_ns(clock, ticks);
    }
    cursor->position = position;
    lane->ticks = ticks;
    lane->ns = ns;
    batch->count = place;
    batch->is_full |= place >= batch->most;
    return is_more;
}

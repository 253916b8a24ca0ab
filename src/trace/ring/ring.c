/* Writes records into the calling thread's ring: the path that every event takes. */
#include "trace/ring/ring.h"
#include "hop.h"
#include "trace/trace.h"

static inline void enter_writing(struct hak_writer *w) {
    hak_own_enter(&w->depth);
}
static inline void leave_writing(struct hak_writer *w) {
    hak_own_leave(&w->depth);
}
static inline uint64_t read_now(const uint64_t *word) {
    return *(const volatile uint64_t *)word;
}

/* Writes a record into its slot. The word with the time comes last: a record that a crash leaves
 * in the middle has the time of what lay there before, by which hak_ring_give_up_unfinished knows
 * it. */
static inline void put(struct hak_record *to, const struct hak_record *record) {
    to->w[1] = record->w[1];
    to->w[2] = record->w[2];
    to->w[3] = record->w[3];
    atomic_signal_fence(memory_order_release);
    *(volatile uint64_t *)&to->w[0] = record->w[0];
}

/* Tries to take `count` positions; a true must be followed by finish(). Only the common case, to be
 * inlined; a handler that interrupted a record goes another way. */
static inline bool try_reserve(struct hak_writer *w, unsigned count, uint64_t *position,
                               uint64_t *ticks) {
    enter_writing(w); /* before the look at `alive`: hak_current_freeze counts on it */
    bool goes = atomic_load_explicit(hak_current.alive, memory_order_acquire) == HAK_ALIVE_GO;
    uint64_t at = read_now(&w->reserved);
    if (HAK_UNLIKELY(!goes || w->depth != 1 || at + count > read_now(&w->room)))
        return false;
    *ticks = hak_session_ticks();
    *position = at;
    return HAK_LIKELY(hak_own_exchange(&w->reserved, at, at + count));
}

/* Publishes the reserved records, unless this interrupted another record, and leaves writing.
 * `head` is read first: a handler may get the thread its first ring between the two, of which the
 * record that it interrupted publishes nothing. */
static inline void finish(struct hak_writer *w) {
    if (HAK_LIKELY(w->depth == 1)) {
        _Atomic uint64_t *head = *(_Atomic uint64_t *const volatile *)&w->head;
        atomic_store_explicit(head, read_now(&w->reserved), memory_order_release);
    }
    leave_writing(w);
}

/* Publishes the record that was reserved. */
void hak_ring_finish(void) {
    if (HAK_UNLIKELY(hak_writer.held))
        hak_ring_share_finish();
    else
        finish(&hak_writer);
}

/* Reserves places after a try that failed: makes room, waits for the session, or takes them beside
 * an interrupted record or in a shared ring. False: the records are lost, and counted. */
static HAK_COLD bool reserve_slowly(unsigned count, uint64_t *position, uint64_t *ticks) {
    struct hak_writer *w = &hak_writer;
    do {
        enum hak_shared_place place = HAK_SHARED_FORKED; /* none: another try */
        finish(w);
        if (atomic_load_explicit(hak_current.alive, memory_order_acquire) != HAK_ALIVE_GO) {
            if (!hak_current_ready_slowly()) {
                hak_current_count_unentered();
                return false;
            }
        } else if (w->depth != 0 && w->ring && !hak_ring_has_left_record()) {
            place = hak_ring_reserve_beside(count, position, ticks);
        } else if (w->reserved + count > w->room && !hak_ring_make_room(count)) {
            place = w->shared ? hak_ring_share_reserve(count, position, ticks) : HAK_SHARED_DROPPED;
        }
        if (place != HAK_SHARED_FORKED)
            return place == HAK_SHARED_RESERVED;
    } while (!try_reserve(w, count, position, ticks));
    return true;
}

bool hak_ring_reserve(unsigned count, uint64_t *position, uint64_t *ticks) {
    return try_reserve(&hak_writer, count, position, ticks) ||
           reserve_slowly(count, position, ticks);
}

static inline struct hak_step_event step_event_of(const struct hak_event_fields *fields) {
    return (struct hak_step_event){.amount = fields->size,
                                   .kind = fields->kind,
                                   .class_index = fields->class_index,
                                   .place = fields->place,
                                   .is_illegal = (fields->flags & HAK_RECORD_ILLEGAL) != 0};
}

/* Records an event of a thread that has said goodbye, made by a destructor that runs later: it gets
 * a ring for itself, which is closed at once. Returns what hak_ring_write does. */
static HAK_COLD struct hak_ring_entry *record_late(struct hak_event_fields *fields,
                                                   uint64_t *position) {
    hak_writer.ended = 0;
    struct hak_ring_entry *ring = hak_ring_write(fields, position);
    hak_trace_thread_end();
    return ring;
}

/* Counts what is not recorded: the process is not, or there was no room. Inside enter and leave, so
 * that a takeover finds no thread in the middle. */
static HAK_COLD void count_unrecorded(const struct hak_event_fields *fields) {
    enter_writing(&hak_writer);
    hak_count_event(step_event_of(fields));
    finish(&hak_writer);
}

/* No room in a ring: records by another one where the thread has ended, else counts the event as
 * lost. Returns what hak_ring_write does. */
static HAK_COLD struct hak_ring_entry *fail_to_record(struct hak_event_fields *fields,
                                                      uint64_t *position) {
    if (hak_writer.ended && hak_writer.depth == 0)
        return record_late(fields, position);
    count_unrecorded(fields);
    return NULL;
}

struct hak_ring_entry *hak_ring_write(struct hak_event_fields *fields, uint64_t *position) {
    bool is_wide = hak_fields_are_wide(fields);
    if (!hak_ring_reserve(is_wide ? 2 : 1, position, &fields->time))
        return fail_to_record(fields, position);
    struct hak_ring_entry *ring = hak_writer.held ? hak_ring_shared_entry() : hak_writer.ring;
    hak_count_event(step_event_of(fields));
    if (is_wide) {
        struct hak_record more = hak_record_pack_wide(fields, HAK_CONTINUATION);
        put(hak_ring_slot(*position + 1), &more);
    }
    struct hak_record head = hak_record_pack(fields);
    put(hak_ring_slot(*position), &head);
    hak_ring_finish();
    return ring;
}

void hak_trace_record_for_report(struct hak_event_fields *fields) {
    uint64_t position;
    (void)hak_ring_write(fields, &position);
}

/* After a try that failed. */
static HAK_COLD void record_slowly(struct hak_event_fields *fields) {
    finish(&hak_writer);
    hak_trace_record_for_report(fields);
}

void hak_trace_record(struct hak_event_fields *fields) {
    struct hak_writer *w = &hak_writer;
    uint64_t at;
    if (HAK_UNLIKELY(!hak_trace_is_wanted()))
        return;
    if (HAK_UNLIKELY(hak_fields_are_wide(fields))) {
        hak_trace_record_for_report(fields);
        return;
    }
    if (HAK_UNLIKELY(!try_reserve(w, 1, &at, &fields->time))) {
        record_slowly(fields);
        return;
    }
    hak_count_event(step_event_of(fields));
    struct hak_record record = hak_record_pack_narrow(fields);
    put(&w->records[at & w->mask], &record);
    finish(w);
}

/* Records a call that the fast path could not, with all checks. */
static HAK_COLD unsigned record_words_slowly(uint64_t head, uint64_t address_word,
                                             uint64_t size_word, uint64_t tail) {
    struct hak_record record = hak_record_of_words(head, 0, address_word, size_word, tail);
    struct hak_event_fields fields = hak_record_unpack(&record, NULL);
    record_slowly(&fields);
    return HAK_RECORDED;
}

/* The record is written, what it counts for not yet. */
static HAK_COLD unsigned finish_slowly(uint64_t head, uint64_t tail) {
    struct hak_record record = hak_record_of_words(head, 0, 0, 0, tail);
    struct hak_event_fields fields = hak_record_unpack(&record, NULL);
    hak_count_slowly(step_event_of(&fields));
    finish(&hak_writer);
    return HAK_RECORDED;
}

unsigned hak_trace_record_call(uint64_t head, uint64_t address_word, uint64_t size_word,
                               uint64_t tail, unsigned metric) {
    struct hak_writer *w = &hak_writer;
    uint64_t at, ticks;
    if (HAK_UNLIKELY(!try_reserve(w, 1, &at, &ticks)))
        return record_words_slowly(head, address_word, size_word, tail);
    struct hak_record record = hak_record_of_words(head, ticks, address_word, size_word, tail);
    put(&w->records[at & w->mask], &record);
    if (HAK_UNLIKELY(!hak_count_call(metric, hak_record_class(&record))))
        return finish_slowly(head, tail);
    finish(w);
    return HAK_RECORDED;
}

void hak_trace_record_move(uint64_t head, uint64_t address_word, uint64_t tail) {
    struct hak_writer *w = &hak_writer;
    uint64_t at, ticks;
    if (HAK_UNLIKELY(!try_reserve(w, 1, &at, &ticks))) {
        (void)record_words_slowly(head, address_word, 0, tail);
        return;
    }
    struct hak_record record = hak_record_of_words(head, ticks, address_word, 0, tail);
    put(&w->records[at & w->mask], &record);
    if (HAK_UNLIKELY(!hak_count_move(hak_record_kind_of(&record), hak_record_class(&record))))
        (void)finish_slowly(head, tail);
    else
        finish(w);
}

/* Writes a batch's head last, behind its continuations. */
static void write_batch(struct hak_writer *w, uint64_t at, const struct hak_event_fields *fields,
                        const uint64_t *words, unsigned count) {
    unsigned follow = hak_batch_continuations(count);
    struct hak_record *place = &w->records[at & w->mask];
    struct hak_record head = hak_batch_head(hak_record_pack_narrow(fields), count);
    const uint64_t *next = words + 1, *end = words + count;
    for (unsigned left = follow; left-- > 0; next += HAK_BATCH_PER_RECORD) {
        struct hak_record more =
            hak_record_continuation(HAK_CONTINUATION, fields->time, left, next[0],
                                    next + 1 < end ? next[1] : 0, next + 2 < end ? next[2] : 0);
        put(&w->records[++at & w->mask], &more);
    }
    put(place, &head);
}

void hak_trace_record_batch(struct hak_event_fields *fields, const uint64_t *words,
                            unsigned count) {
    struct hak_writer *w = &hak_writer;
    uint64_t at;
    if (HAK_UNLIKELY(!hak_trace_is_wanted()))
        return;
    if (count > 1 &&
        HAK_LIKELY(try_reserve(w, 1 + hak_batch_continuations(count), &at, &fields->time))) {
        hak_count_moves(step_event_of(fields), count);
        write_batch(w, at, fields, words, count);
        finish(w);
        return;
    }
    if (count > 1)
        finish(w);
    uint64_t first = fields->address;
    for (unsigned i = 0; i < count; i++) {
        fields->address = hak_batch_address(words[i], first);
        fields->record_count = hak_batch_record_count(words[i]);
        hak_trace_record(fields);
    }
}

void hak_hop_count(enum hak_counted which, unsigned class_index, uint64_t amount) {
    struct hak_writer *w = &hak_writer;
    if (HAK_UNLIKELY(!hak_trace_is_wanted()))
        return;
    enter_writing(w);
    if (hak_current.session &&
        atomic_load_explicit(hak_current.alive, memory_order_acquire) != HAK_ALIVE_GO) {
        finish(w);
        (void)hak_current_ready_slowly();
        enter_writing(w);
    }
    hak_count_amount(which, class_index, amount);
    finish(w);
}

/* Writes a record with bytes behind it. Without room it is lost, which is counted. */
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
        struct hak_record more =
            hak_record_continuation(HAK_CONTINUATION, head->time, follow - 1 - i, 0, 0, 0);
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
        put(hak_ring_slot(at + 1 + i), &more);
    }
    head->size = total;
    head->flags |= HAK_RECORD_WIDE;
    struct hak_record first = hak_record_pack(head);
    put(hak_ring_slot(at), &first);
    hak_ring_finish();
}

static bool begin_kept(const struct hak_writer *w) {
    return w->depth == 0 && !w->setting_up && !w->ended && !w->shared && hak_current_ready() &&
           (w->ring || hak_ring_make_room(1)) && w->ring && hak_ring_begin_kept();
}

/* write_bytes; what a reader always needs goes into a ring that is not overwritten. */
void hak_ring_write_bytes(struct hak_event_fields *head, const struct hak_payload_part *parts,
                          unsigned part_count) {
    bool keeps =
        hak_current.overwrites && (head->kind == HAK_MODULE_LOAD ||
                                   head->kind == HAK_PROCESS_START || head->kind == HAK_ALLOCATOR);
    keeps = keeps && begin_kept(&hak_writer);
    write_bytes(head, parts, part_count);
    if (keeps)
        hak_ring_end_kept();
}

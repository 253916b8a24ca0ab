/* A session's memory as the worker sees it: mapped once, every offset and size checked, every value
 * copied before it is used. Nothing in it is trusted: a dying or hostile program may write anything
 * at any moment, also between two reads.
 *
 * The memfd is sealed against changes of its size (greeting.c), so the mapping cannot be cut away.
 * Of its other holders see session_file.h.
 */
#ifndef HAK_COLLECTOR_SESSION_MAPPING_H
#define HAK_COLLECTOR_SESSION_MAPPING_H

#include <stdbool.h>
#include <stdint.h>
#include "decode/decode.h"
#include "trace/session.h"

struct hak_mapping {
    int memfd;        /* owned */
    bool is_own;      /* hak_session_file_make_own */
    bool is_own_user; /* a process of this user made it: files that it names may be opened */
    uint8_t *memory;  /* NULL while unmapped */
    uint64_t bytes;
    enum hak_processor processor; /* that runs the program; perhaps not this one, of a file */
    /* The header as it was when it was opened, checked; its texts end, and the command line has
     * blanks between the arguments. */
    struct hak_session head;
};

/* Maps `memfd` (owned by the mapping from then on, also when this fails). NULL, or the error. */
const char *hak_mapping_open(struct hak_mapping *m, int memfd);

/* Unmaps the session's memory and closes its file. */
void hak_mapping_close(struct hak_mapping *m);

/* True when no process of the program's has the session any more, so that nothing can come. Without
 * /proc it is unmapped for the question, and mapped again when the answer is no. After a yes the
 * memory can still be read until close. */
bool hak_mapping_is_abandoned(struct hak_mapping *m);

static inline struct hak_session *hak_mapping_header(const struct hak_mapping *m) {
    return (struct hak_session *)(void *)m->memory;
}
static inline struct hak_process_entry *hak_mapping_process(const struct hak_mapping *m,
                                                            uint32_t index) {
    return (struct hak_process_entry *)(void *)(m->memory + m->head.process_offset) + index;
}
static inline struct hak_ring_entry *hak_mapping_ring(const struct hak_mapping *m, uint32_t index) {
    return (struct hak_ring_entry *)(void *)(m->memory + m->head.ring_offset) + index;
}
static inline struct hak_report_request *hak_mapping_report(const struct hak_mapping *m) {
    return (struct hak_report_request *)(void *)(m->memory + m->head.report_offset);
}

/* Where the first block of counters lies, from the start of the memory. */
uint64_t hak_mapping_metrics_blocks(const struct hak_mapping *m);

/* One more than the highest entry that was ever claimed; at most HAK_RINGS and HAK_PROCESSES. */
uint32_t hak_mapping_ring_count(const struct hak_mapping *m);
uint32_t hak_mapping_process_count(const struct hak_mapping *m);

/* A ring's entry as it was at one moment. */
struct hak_ring_view {
    uint32_t state, process, thread, next;
    int32_t tid;
    uint32_t first_extent, extents;
    uint64_t head, lost, start;
    uint64_t capacity;                /* in records; 0 = the entry cannot be right, or is unused */
    const struct hak_record *records; /* NULL with capacity 0 */
};
/* Reads entry `index` (< HAK_RINGS). `head` is read first (acquire), so that the records that it
 * covers are there. The fields besides state and head mean something only when head says that
 * records came. */
void hak_mapping_view(const struct hak_mapping *m, uint32_t index, struct hak_ring_view *out);

/* A record's words, each read once: the program may write while they are looked at. */
static inline struct hak_record hak_record_read(const struct hak_record *from) {
    return (struct hak_record){{__atomic_load_n(&from->w[0], __ATOMIC_RELAXED),
                                __atomic_load_n(&from->w[1], __ATOMIC_RELAXED),
                                __atomic_load_n(&from->w[2], __ATOMIC_RELAXED),
                                __atomic_load_n(&from->w[3], __ATOMIC_RELAXED)}};
}
/* The record at `position`; the caller keeps position within head and capacity. */
static inline struct hak_record hak_view_record(const struct hak_ring_view *view,
                                                uint64_t position) {
    return hak_record_read(&view->records[position & (view->capacity - 1)]);
}

/* Ids of its nodes are below this. */
uint32_t hak_mapping_node_ids_max(const struct hak_mapping *m);
/* Copies node `id`; false when there is none, or no more (or its parent cannot be right). */
bool hak_mapping_node(const struct hak_mapping *m, uint32_t id, struct hak_node *out);

/* Lets nobody write node `id` any more. False: it was written just now. True also when the place is
 * a later node's. */
bool hak_mapping_give_node_up(const struct hak_mapping *m, uint32_t id);

/* Gives the extents of a drained ring back, and then the entry. Returns the position of its next
 * owner's first record, a multiple of HAK_RING_RECORDS_MAX: that record lies at the start of an
 * extent, so that threads of few records, one after the other, touch few pages of each. */
uint64_t hak_mapping_free_ring(const struct hak_mapping *m, uint32_t index,
                               const struct hak_ring_view *view);

#endif

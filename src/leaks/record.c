/* Makes records of the scan's findings: one for each block that is lost, one for the scan behind
 * them. The collector makes table rows and the report of them (collector/findings/leaks.h). */
#include "leaks/leaks.h"

#include "options.h"
#include "trace/crash/crash.h"
#include "trace/trace.h"

enum {
    RECORDED_MAX = 1 << 20, /* blocks that are recorded one by one; the rest is in the sums */
    MICROSECOND_NS = 1000,
};

struct recording {
    enum hak_mark mark; /* only these */
    bool is_silent;     /* nothing is recorded */
    uint64_t recorded;
};

static uint8_t kind_of(enum hak_mark mark) {
    return mark == HAK_MARK_DIRECT     ? HAK_LEAK_IS_DIRECT
           : mark == HAK_MARK_INDIRECT ? HAK_LEAK_IS_INDIRECT
                                       : HAK_LEAK_IS_REACHABLE;
}

static void record_piece(const struct hak_leak_block *block, uint8_t kind) {
    struct hak_event_fields fields = {
        .address = block->user,
        .size = block->end - block->user,
        .stack = block->piece->stack,
        .record_count = block->piece->pool,
        .kind = HAK_LEAK,
        .class_index = HAK_CLASS_NONE,
        .place = HAK_PLACE_POOL,
        .subkind = kind,
    };
    hak_trace_record_for_report(&fields);
}

/* Records a block with the wanted mark as a leak, at most RECORDED_MAX in all. */
static void record_block(const struct hak_leak_block *block, void *context) {
    struct recording *recording = context;
    enum hak_mark mark = hak_mark_of(block);
    if (mark != recording->mark || hak_leak_is_inherited(block) ||
        recording->recorded == RECORDED_MAX)
        return;
    recording->recorded++;
    if (recording->is_silent)
        return;
    if (block->piece) {
        record_piece(block, kind_of(mark));
        return;
    }
    struct hak_event_fields fields = {
        .address = block->user,
        .size = block->end - block->user,
        .delta_bytes = block->user - (uintptr_t)block->at.base,
        .stack = block->at.slot->alloc_stack,
        .record_count = block->at.slot->record_count,
        .epoch = block->at.epoch,
        .kind = HAK_LEAK,
        .class_index = (uint8_t)block->at.class_index,
        .place = HAK_PLACE_LIVE,
        .subkind = kind_of(mark),
    };
    hak_trace_record_for_report(&fields);
}

static uint64_t bytes_of_pieces(const struct hak_leak_scan *scan) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < scan->piece_count; i++)
        bytes += scan->pieces[i].end - scan->pieces[i].user;
    return bytes;
}

/* Records that a scan took place: its sums, its duration, what it left out, and why it was made. */
static void record_scan(const struct hak_leak_scan *scan, enum hak_leak_reason reason,
                        uint64_t ns) {
    uint64_t microseconds = ns / MICROSECOND_NS;
    struct hak_event_fields fields = {
        .address = scan->index.blocks + scan->piece_count,
        .size = scan->index.bytes + bytes_of_pieces(scan),
        .old_address = scan->block_count[HAK_MARK_DIRECT] + scan->block_count[HAK_MARK_INDIRECT],
        .record_count = microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds,
        .epoch = scan->partial | (uint32_t)reason << HAK_LEAK_REASON_SHIFT |
                 (hak_options.leaks == HAK_LEAKS_ERROR ? HAK_LEAK_FINDING : 0),
        .kind = HAK_LEAK,
        .class_index = HAK_CLASS_NONE,
        .subkind = HAK_LEAK_IS_SCAN,
    };
    hak_trace_record_for_report(&fields);
}

/* Takes a piece back out of the sums that another thread has freed since the threads go on. */
static void drop_ended_piece(const struct hak_leak_block *block, void *context) {
    struct hak_leak_scan *scan = context;
    enum hak_mark mark = hak_mark_of(block);
    if (mark == HAK_MARK_UNSEEN || mark == HAK_MARK_REACHED ||
        hak_leak_is_piece_there(block->piece))
        return;
    scan->block_count[mark]--;
    scan->byte_count[mark] -= block->end - block->user;
    hak_set_mark(block, HAK_MARK_UNSEEN);
}

static void each_block_and_piece(const struct hak_leak_scan *scan, struct recording *recording) {
    hak_leak_each(&scan->index, record_block, recording);
    hak_leak_each_piece(scan, record_block, recording);
}

size_t hak_leak_record(struct hak_leak_scan *scan, enum hak_leak_reason reason, uint64_t ns) {
    struct recording recording = {.recorded = 0};
    bool with_reachable = hak_options.leaks_reachable;
    hak_leak_each_piece(scan, drop_ended_piece, scan);
    size_t lost = scan->block_count[HAK_MARK_DIRECT] + scan->block_count[HAK_MARK_INDIRECT];
    bool is_to_record = lost > 0 || (with_reachable && scan->block_count[HAK_MARK_REACHED]);
    /* With HAKMEM_TRACE=off there is a recording for what is to be reported alone. */
    if (!hak_options.trace && (!is_to_record || !hak_trace_open_for_report()))
        recording.is_silent = true;
    static const enum hak_mark order[] = {HAK_MARK_DIRECT, HAK_MARK_INDIRECT, HAK_MARK_REACHED};
    for (unsigned i = 0; i < (with_reachable ? 3 : 2); i++) {
        recording.mark = order[i];
        if (scan->block_count[order[i]])
            each_block_and_piece(scan, &recording);
    }
    if (!recording.is_silent)
        record_scan(scan, reason, ns);
    if (recording.recorded > 0) {
        hak_leak_set_written_scan(scan);
        hak_trace_leaks();
        hak_leak_set_written_scan(NULL);
    }
    return lost;
}

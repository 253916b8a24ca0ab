/* Findings of a check of a store, in numbers: report/words/check.h has the sentences. */
#ifndef HAK_STORE_CHECK_FINDINGS_H
#define HAK_STORE_CHECK_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "store/error.h"

enum hak_check_kind {
    HAK_CHECK_FILE, /* SQLite's own check, or a reader of the store, says `text` */
    /* row `id` names a row `other` that is not there */
    HAK_CHECK_THREAD_PROCESS,
    HAK_CHECK_MODULE_PROCESS, /* `text`: the module's path */
    HAK_CHECK_PROCESS_PARENT,
    HAK_CHECK_FAULT_EVENT,
    HAK_CHECK_NODE_PARENT,
    HAK_CHECK_NODE_PROCESS,
    HAK_CHECK_PLAIN_NODE, /* row `id` of plain_node: `text` */
    HAK_CHECK_CHUNK_STACK,
    /* chunks of events */
    HAK_CHECK_CHUNK,          /* chunk `id`, `column`: `text` */
    HAK_CHECK_CHUNK_OVERLAPS, /* chunk `id` begins before the end of the one before it */
    HAK_CHECK_EVENTS_MISSING, /* events `id` to `other`; 0 = to the end */
    /* the way of a block: `base`, event `id` */
    HAK_CHECK_DISORDERED,   /* `other` events were written late, `id` is the first */
    HAK_CHECK_EARLY,        /* `generation` came behind generation `other` */
    HAK_CHECK_BLOCK_EVENTS, /* `other` events of the block before event `id` are missing */
    HAK_CHECK_ILLEGAL,      /* flagged when it was recorded; the block was in `place` */
    HAK_CHECK_UNKNOWN_KIND, /* no line of hops.def has `move` */
    HAK_CHECK_TAKEN_FROM,   /* out of `other_place`, but it was in `place` */
    HAK_CHECK_FROM,         /* hops.def does not allow this move from `place` */
    HAK_CHECK_TO,           /* nor this one to it */
    /* live checkpoint of events `id` to `other`, of `level` */
    HAK_CHECK_LIVE_MISSING,   /* lacks block `base` of `process` */
    HAK_CHECK_LIVE_UNCHANGED, /* has that block, but nothing of it changed */
    HAK_CHECK_LIVE_DIFFERS,   /* has that block otherwise than its events left it */
    HAK_CHECK_LIVE_EVENTS,    /* not all events are there */
    HAK_CHECK_LIVE_SOURCES,   /* nor all checkpoints that it was made of */
    /* postings of the kind `keys` (enum hak_posting_kind; HAK_POSTING_KINDS: addresses) */
    HAK_CHECK_UNCOUNTED,       /* chunk_order lacks chunk `id` */
    HAK_CHECK_COUNTED,         /* chunk_order has chunk `id`, which is not there */
    HAK_CHECK_POSTING,         /* posting `id`: `text` */
    HAK_CHECK_POSTING_ROWS,    /* the rows after posting `id` are missing */
    HAK_CHECK_POSTINGS_DIFFER, /* those of the chunks `id` to `other` are not of their events */
    HAK_CHECK_PROFILE,         /* row `id` of the profile's table `column`: `text` */
};

#define HAK_CHECK_NO_PLACE 256u /* not known; places are bytes */

struct hak_check_finding {
    enum hak_check_kind kind;
    uint64_t id, other;
    const char *text, *column; /* until the end of the call */
    uint64_t base, generation;
    unsigned process, level, keys, move, place, other_place;
};

struct hak_check_findings {
    void (*each)(void *context, const struct hak_check_finding *finding); /* NULL = only counted */
    void *context;
    int count;
    bool memory_ended; /* while something was decoded that may be sound: no finding */
};

/* Counts a finding on `about` and hands it on; its other members follow. */
#define hak_check_add(findings, what, about, ...)                                                  \
    hak_check_add_finding(                                                                         \
        findings, &(const struct hak_check_finding){.kind = (what), .id = (about), __VA_ARGS__})

/* Counts a finding and hands it to `each`, if there is one; memory that ended is noted. */
static inline void hak_check_add_finding(struct hak_check_findings *findings,
                                         const struct hak_check_finding *finding) {
    if (finding->text == hak_store_memory_ended) {
        findings->memory_ended = true;
        return;
    }
    findings->count++;
    if (findings->each)
        findings->each(findings->context, finding);
}

#endif

/* Describes the errors that a check of a store found. */
#include "report/words/check.h"

#include <inttypes.h>
#include "report/words/words.h"
#include "store/postings/postings.h"

/* Adds the words of a row that names another one. False: it is no such finding. Ids of a damaged
 * file may be below 0. */
static bool add_reference(struct hak_text *text, const struct hak_check_finding *f) {
    int64_t id = (int64_t)f->id, other = (int64_t)f->other;
    switch (f->kind) {
    case HAK_CHECK_THREAD_PROCESS:
        hak_text_add(text, "thread %" PRId64 " belongs to process %" PRId64, id, other);
        break;
    case HAK_CHECK_MODULE_PROCESS:
        hak_text_add(text, "module %" PRId64 " (%s) belongs to process %" PRId64, id, f->text,
                     other);
        break;
    case HAK_CHECK_PROCESS_PARENT:
        hak_text_add(text, "process %" PRId64 " has the parent %" PRId64, id, other);
        break;
    case HAK_CHECK_FAULT_EVENT:
        hak_text_add(text, "fault %" PRId64 " belongs to event %" PRId64, id, other);
        break;
    case HAK_CHECK_NODE_PARENT:
        hak_text_add(text, "stack node %" PRIu64 " has the parent %" PRIu64, f->id, f->other);
        break;
    case HAK_CHECK_NODE_PROCESS:
        hak_text_add(text, "stack node %" PRIu64 " belongs to process %" PRIu64, f->id, f->other);
        break;
    case HAK_CHECK_CHUNK_STACK:
        hak_text_add(text, "chunk %" PRIu64 ": its events speak of stack %" PRIu64, f->id,
                     f->other);
        break;
    default:
        return false;
    }
    hak_text_add(text, ", which is not there");
    return true;
}

/* The sentence of a finding about the file or a chunk. False: it is about something else. */
static bool add_chunk(struct hak_text *text, const struct hak_check_finding *f) {
    switch (f->kind) {
    case HAK_CHECK_FILE:
        hak_text_add(text, "%s", f->text);
        return true;
    case HAK_CHECK_PLAIN_NODE:
        hak_text_add(text, "plain_node %" PRId64 ": %s", (int64_t)f->id, f->text);
        return true;
    case HAK_CHECK_CHUNK:
        hak_text_add(text, "chunk %" PRIu64 ", %s: %s", f->id, f->column, f->text);
        return true;
    case HAK_CHECK_CHUNK_OVERLAPS:
        hak_text_add(text, "chunk %" PRIu64 " begins before the end of the one before it", f->id);
        return true;
    case HAK_CHECK_EVENTS_MISSING:
        if (f->other)
            hak_text_add(text, "events %" PRIu64 " to %" PRIu64 " are missing", f->id, f->other);
        else
            hak_text_add(text, "events from %" PRIu64 " on are missing", f->id);
        return true;
    default:
        return false;
    }
}

/* Adds the words of a finding about the order of a block's events. False: it is none. */
static bool add_order(struct hak_text *text, const struct hak_check_finding *f) {
    switch (f->kind) {
    case HAK_CHECK_DISORDERED:
        hak_text_add(text, "%" PRIu64 " %s written after a later one of its block; the first is ",
                     f->other, f->other == 1 ? "event was" : "events were");
        hak_text_add(text, "event %" PRIu64, f->id);
        return true;
    case HAK_CHECK_BLOCK_EVENTS:
        hak_text_add(text,
                     "block 0x%" PRIx64 ": %" PRIu64 " events before event %" PRIu64 " are missing",
                     f->base, f->other, f->id);
        return true;
    case HAK_CHECK_EARLY:
        hak_text_add(text,
                     "event %" PRIu64 ": %s of block 0x%" PRIx64 " is its record %u of epoch %u, "
                     "but record %u of epoch %u came before",
                     f->id, hak_words_kind(f->move), f->base, (uint32_t)f->generation,
                     (uint32_t)(f->generation >> 32), (uint32_t)f->other,
                     (uint32_t)(f->other >> 32));
        return true;
    default:
        return false;
    }
}

/* Adds the words of a move against hops.def. False: it is none. */
static bool add_move(struct hak_text *text, const struct hak_check_finding *f) {
    if (f->kind < HAK_CHECK_ILLEGAL || f->kind > HAK_CHECK_TO)
        return false;
    hak_text_add(text, "event %" PRIu64 ": ", f->id);
    if (f->kind == HAK_CHECK_UNKNOWN_KIND) {
        hak_text_add(text, "kind %u is not known to this version", f->move);
        return true;
    }
    const char *took = f->kind == HAK_CHECK_TAKEN_FROM ? "took" : "of";
    hak_text_add(text, "%s %s block 0x%" PRIx64, hak_words_kind(f->move), took, f->base);
    if (f->kind == HAK_CHECK_TAKEN_FROM)
        hak_text_add(text, " from %s, but it was in %s", hak_words_place(f->other_place),
                     hak_words_place(f->place));
    else if (f->kind != HAK_CHECK_ILLEGAL)
        hak_text_add(text, " %s %s is not allowed by hops.def",
                     f->kind == HAK_CHECK_FROM ? "from" : "to", hak_words_place(f->place));
    else
        hak_text_add(text, " was not allowed when it was recorded");
    if (f->kind == HAK_CHECK_ILLEGAL && f->place != HAK_CHECK_NO_PLACE)
        hak_text_add(text, ": the block was in place %s", hak_words_place(f->place));
    return true;
}

/* The sentence of a finding about live checkpoints. False: it is about something else. */
static bool add_live(struct hak_text *text, const struct hak_check_finding *f) {
    static const char *const wrong[] = {
        [0] = "is missing",
        [HAK_CHECK_LIVE_UNCHANGED - HAK_CHECK_LIVE_MISSING] = "is in it, but nothing of it changed",
        [HAK_CHECK_LIVE_DIFFERS - HAK_CHECK_LIVE_MISSING] = "is not as its events left it",
        [HAK_CHECK_LIVE_EVENTS - HAK_CHECK_LIVE_MISSING] = "not all of its events are there",
        [HAK_CHECK_LIVE_SOURCES - HAK_CHECK_LIVE_MISSING] =
            "the ones that it was made of are not all there",
    };
    if (f->kind < HAK_CHECK_LIVE_MISSING || f->kind > HAK_CHECK_LIVE_SOURCES)
        return false;
    hak_text_add(text, "live checkpoint of events %" PRIu64 " to %" PRIu64 " (level %u): ", f->id,
                 f->other, f->level);
    if (f->kind <= HAK_CHECK_LIVE_DIFFERS)
        hak_text_add(text, "block 0x%" PRIx64 " of process %u ", f->base, f->process);
    hak_text_add(text, "%s", wrong[f->kind - HAK_CHECK_LIVE_MISSING]);
    return true;
}

/* Adds the words of a finding in a table that is derived from the chunks: their order, postings,
 * profile. */
static void add_derived(struct hak_text *text, const struct hak_check_finding *f) {
    static const char *const names[] = {[HAK_POSTING_BASE] = "bases",
                                        [HAK_POSTING_STACK] = "stacks",
                                        [HAK_POSTING_LARGE] = "large blocks",
                                        [HAK_POSTING_OWNER] = "owners",
                                        [HAK_POSTING_KINDS] = "addresses"};
    const char *keys = names[f->keys <= HAK_POSTING_KINDS ? f->keys : HAK_POSTING_KINDS];
    if (f->kind == HAK_CHECK_COUNTED)
        hak_text_add(text, "table chunk_order counts chunk %" PRId64 ", which is not there",
                     (int64_t)f->id);
    else if (f->kind == HAK_CHECK_UNCOUNTED)
        hak_text_add(text, "chunk %" PRIu64 " is not counted in table chunk_order", f->id);
    else if (f->kind == HAK_CHECK_POSTING)
        hak_text_add(text, "posting %" PRIu64 " (%s): %s", f->id, keys, f->text);
    else if (f->kind == HAK_CHECK_POSTING_ROWS)
        hak_text_add(text, "posting %" PRIu64 " (%s): the rows after it are missing", f->id, keys);
    else if (f->kind == HAK_CHECK_PROFILE)
        hak_text_add(text, "%s %" PRId64 ": %s", f->column, (int64_t)f->id, f->text);
    else if (f->id == f->other)
        hak_text_add(text, "chunk %" PRIu64 ": its postings of %s are not those of its events",
                     f->id, keys);
    else
        hak_text_add(text,
                     "chunks %" PRIu64 " to %" PRIu64
                     ": their postings of %s are not those of their events",
                     f->id, f->other, keys);
}

void hak_words_add_check_finding(struct hak_text *text, const struct hak_check_finding *finding) {
    if (!add_reference(text, finding) && !add_chunk(text, finding) && !add_order(text, finding) &&
        !add_move(text, finding) && !add_live(text, finding))
        add_derived(text, finding);
}

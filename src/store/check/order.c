/* Follows every block through the chunks: order, gaps, and places. */
#include "store/check/order.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/sorted.h"
#include "store/reader/inner.h"
#include "trace/record.h"

#define IN(place) (1u << HAK_PLACE_##place)

enum { MOVES = 64, LEFT_MAX = 256 };
static const struct {
    uint32_t from, to; /* sets of places, by bit */
    bool is_known;
} moves[MOVES] = {
#define HOP(name, number, from_set, to_set, sentence) [number] = {(from_set), (to_set), true},
#include "hops.def"
};
#undef IN

/* One move of a block. */
struct move {
    uint64_t base, generation, id, shape;
    uint32_t process;
};

struct hak_order_check {
    struct hak_store_reader *reader;
    struct hak_check_findings *findings;
    struct hak_follow follow;
    uint32_t most;     /* blocks that are followed at once */
    uint8_t *has_loss; /* by process row */
    bool has_holes;
    uint64_t from, below; /* bases of this reading; below 0 = all */
    const struct move *now;
    /* Blocks that were left in the middle: up to event `until` they were judged. */
    struct {
        uint64_t low, high, until; /* bases; high 0 = all */
    } left[LEFT_MAX];
    uint32_t left_count;
};

/* ---- processes that may lack events ------------------------------------------------------------
 */

/* Notes which processes lost events; a parent's loss is its children's. 0, or an error. */
static int load_losses(struct hak_order_check *o) {
    static const char sql[] =
        "SELECT p.id FROM process p"
        " WHERE p.lost > 0 OR EXISTS (SELECT 1 FROM loss l WHERE l.process IN (0, p.id))";
    struct hak_store_reader *r = o->reader;
    o->has_loss = calloc(o->follow.processes, sizeof *o->has_loss);
    if (!o->has_loss)
        return hak_store_no_memory(r->db.path);
    struct hak_query q = hak_ask(&r->db, sql, "reading processes");
    while (hak_query_next(&q))
        if (hak_query_number(&q, 0) < o->follow.processes)
            o->has_loss[hak_query_number(&q, 0)] = 1;
    int error = hak_query_end(&q);
    if (error)
        return error;
    for (uint32_t i = 1; i < o->follow.processes; i++) /* a parent has a lower row */
        o->has_loss[i] |= o->has_loss[o->follow.parent_of[i]];
    return 0;
}

static bool may_lack_events(const struct hak_order_check *o, uint32_t process) {
    return o->has_holes || process >= o->follow.processes || o->has_loss[process];
}

/* ---- more blocks than memory -------------------------------------------------------------------
 */

/* Leaves the upper half of the addresses for another reading; beyond LEFT_MAX parts they are not
 * read again. False without memory. */
static bool shed(struct hak_order_check *o) {
    enum { SAMPLES = 1024 };
    uint64_t sample[SAMPLES] = {0}, scratch[SAMPLES];
    uint32_t used = o->follow.used, step = used / SAMPLES + 1, count = 0;
    for (uint32_t i = 0; i < used; i += step)
        sample[count++] = hak_follow_block(&o->follow, i)->base;
    hak_sort_keys(sample, count, scratch);
    uint64_t below = sample[count / 2];
    if (below <= sample[0])
        return true; /* one base in very many processes: it must fit */
    if (o->left_count < LEFT_MAX) {
        o->left[o->left_count].low = below;
        o->left[o->left_count].high = o->below;
        o->left[o->left_count++].until = o->now->id - 1;
    }
    o->below = below;
    return hak_follow_keep_below(&o->follow, below);
}

/* ---- findings ----------------------------------------------------------------------------------
 */

/* Whether a finding was reported by an earlier reading, before it left the block. */
static bool is_known(const struct hak_order_check *o) {
    for (uint32_t i = 0; i < o->left_count; i++)
        if (o->now->base >= o->left[i].low &&
            (!o->left[i].high || o->now->base < o->left[i].high) && o->now->id <= o->left[i].until)
            return true;
    return false;
}

/* The move that is judged now is wrong; the finding's other members follow. */
#define REPORT_MOVE(o, what, ...)                                                                  \
    (is_known(o) ? (void)0                                                                         \
                 : hak_check_add((o)->findings, what, (o)->now->id, .base = (o)->now->base,        \
                                 .move = (o)->now->shape & 0xff, __VA_ARGS__))

/* Reports a move whose number says that records of the block came early or are missing before it.
 */
static void judge_order(struct hak_order_check *o, const struct hak_follow_step *step,
                        const struct move *m) {
    if (may_lack_events(o, m->process))
        return;
    if (step->is_early && !(m->shape >> 32 & HAK_RECORD_ILLEGAL))
        REPORT_MOVE(o, HAK_CHECK_EARLY, .generation = m->generation, .other = step->before);
    if (step->missing)
        REPORT_MOVE(o, HAK_CHECK_BLOCK_EVENTS, .other = step->missing);
}

/* Compares a move with the block's place before and the places it may lead to, and notes where the
 * block is now. */
static void judge_way(struct hak_order_check *o, struct hak_followed *b, const struct move *m) {
    unsigned kind = m->shape & 0xff, move_place = m->shape >> 16 & 0xff;
    bool is_first = kind == HAK_MALLOC || kind == HAK_REALLOC; /* their place is where from */
    if (m->shape >> 32 & HAK_RECORD_ILLEGAL) {
        REPORT_MOVE(o, HAK_CHECK_ILLEGAL, .place = b->has_place ? b->place : HAK_CHECK_NO_PLACE);
        b->has_place = false;
        return;
    }
    if (!moves[kind].is_known) {
        REPORT_MOVE(o, HAK_CHECK_UNKNOWN_KIND, .place = HAK_CHECK_NO_PLACE);
        return;
    }
    unsigned from = is_first ? move_place : b->place;
    if (is_first && b->has_place && b->place != move_place)
        REPORT_MOVE(o, HAK_CHECK_TAKEN_FROM, .place = b->place, .other_place = move_place);
    else if ((is_first || b->has_place) && !(from < 32 && moves[kind].from >> from & 1))
        REPORT_MOVE(o, HAK_CHECK_FROM, .place = from);
    unsigned to = is_first ? HAK_PLACE_LIVE : move_place;
    if (!(to < 32 && moves[kind].to >> to & 1))
        REPORT_MOVE(o, HAK_CHECK_TO, .place = to);
    b->place = (uint8_t)to;
    b->has_place = to < 64;
}

/* Takes a move into the check of its block's order and way. False when memory is out. */
static bool feed(struct hak_order_check *o, const struct move *m) {
    o->now = m;
    if (o->follow.used >= o->most && !shed(o))
        return false;
    if (o->below && m->base >= o->below)
        return true; /* it was left just now */
    struct hak_follow_step step =
        hak_follow_next(&o->follow, m->process, m->base, m->generation, m->id);
    if (!step.block)
        return false;
    judge_order(o, &step, m);
    judge_way(o, step.block, m);
    return true;
}

static bool is_followed(const struct hak_order_check *o, uint64_t base, uint64_t process,
                        unsigned kind) {
    return kind - 1u < MOVES - 1u && base && process && process < HAK_FOLLOW_PROCESSES &&
           base >= o->from && (!o->below || base < o->below);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

int hak_order_check_chunk(struct hak_order_check *o, const struct hak_columns *c,
                          uint64_t first_id) {
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t actor = hak_columns_value(c, HAK_COLUMN_ACTOR, i);
        struct move m = {.base = hak_columns_value(c, HAK_COLUMN_BASE, i),
                         .shape = hak_columns_value(c, HAK_COLUMN_SHAPE, i),
                         .process = (uint32_t)(actor >> 32),
                         .id = first_id + i};
        if (!is_followed(o, m.base, m.process, m.shape & 0xff))
            continue;
        m.generation = hak_columns_value(c, HAK_COLUMN_GENERATION, i);
        if (!feed(o, &m))
            return hak_store_no_memory(o->reader->db.path);
    }
    return 0;
}

void hak_order_check_missing_chunk(struct hak_order_check *o) {
    o->has_holes = true;
}

/* Reads the store once more, for the bases from `from` on. 0, or an error. */
static int read_again(struct hak_order_check *o) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |
                     1u << HAK_COLUMN_GENERATION;
    int result = hak_scan_open(o->reader, &limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &e)) == 1) {
        struct move m = {.base = e.base,
                         .generation = e.generation,
                         .id = e.id,
                         .process = e.process,
                         .shape = e.kind | (uint64_t)e.place << 16 | (uint64_t)e.flags << 32};
        if (is_followed(o, m.base, m.process, e.kind) && !feed(o, &m)) {
            result = hak_store_no_memory(o->reader->db.path);
            break;
        }
    }
    hak_scan_close(scan);
    return result;
}

int hak_order_check_finish(struct hak_order_check *o) {
    int error = 0;
    while (!error && o->below) {
        o->from = o->below;
        o->below = 0;
        hak_follow_clear(&o->follow);
        error = read_again(o);
    }
    return error;
}

int hak_order_check_make(struct hak_store_reader *r, bool is_trimmed,
                         struct hak_check_findings *findings, struct hak_order_check **out) {
    struct hak_order_check *o = calloc(1, sizeof *o);
    *out = NULL;
    if (!o)
        return hak_store_no_memory(r->db.path);
    o->reader = r;
    o->findings = findings;
    o->most = HAK_ORDER_BLOCKS;
    int error = hak_follow_init(&o->follow, r, 0);
    o->follow.may_start_late = is_trimmed;
    if (!error)
        error = load_losses(o);
    if (error)
        hak_order_check_free(o);
    else
        *out = o;
    return error;
}

void hak_order_check_limit(struct hak_order_check *o, uint32_t blocks) {
    o->most = blocks;
}

void hak_order_check_free(struct hak_order_check *o) {
    if (!o)
        return;
    hak_follow_free(&o->follow);
    free(o->has_loss);
    free(o);
}

/* Compares the last moves of a cut with the first ones behind it. */
#include "collector/drain/cut_edge.h"

enum { EDGE_MOVES = 4 * HAK_BATCH_EDGE }; /* taken ones that are compared, at most */

/* The moves that were taken last: at most `EDGE_MOVES` of them. */
struct edge {
    struct hak_block_move taken[EDGE_MOVES];
    uint32_t count;
    uint64_t end_ns; /* of the last event by time */
};

/* Adds the block's move at `place` to the edge, EDGE_MOVES at most; other events are passed
 * over. */
static void add(struct edge *edge, const struct hak_batch *batch, uint32_t place) {
    uint64_t kind = batch->columns.value[HAK_COLUMN_SHAPE][place] & 0xff;
    if (kind != 0 && kind < HAK_MOVES_END && edge->count < EDGE_MOVES)
        edge->taken[edge->count++] =
            (struct hak_block_move){batch->columns.value[HAK_COLUMN_BASE][place],
                                    batch->columns.value[HAK_COLUMN_GENERATION][place]};
}

/* Collects the moves of the batch's last HAK_CUT_EDGE_NS, EDGE_MOVES at most. */
static void find_edge(struct edge *edge, const struct hak_batch *batch) {
    const uint64_t *ns = batch->columns.value[HAK_COLUMN_NS];
    uint32_t place = batch->count;
    edge->count = 0;
    edge->end_ns = ns[place - 1];
    while (place > 0 && ns[place - 1] + HAK_CUT_EDGE_NS >= edge->end_ns && edge->count < EDGE_MOVES)
        add(edge, batch, --place);
}

/* Whether a move comes before one of the edge in its block's life. A block has the same base in a
 * forked child and its parent: one record too many is taken then, which is no harm. */
static bool depends_on(const struct edge *edge, const struct hak_block_move *move) {
    for (uint32_t i = 0; i < edge->count; i++)
        if (edge->taken[i].base == move->base &&
            hak_generation_is_before(move->generation, edge->taken[i].generation))
            return true;
    return false;
}

/* The time of the lane's last record behind the edge that a taken one depends on; false: there is
 * none. */
static bool find_in_lane(const struct edge *edge, struct hak_lane lane, uint64_t *ns) {
    struct hak_block_move moves[HAK_MOVES_BATCH_MAX];
    uint64_t position = lane.client->rings[lane.ring].position;
    bool is_found = false;
    while (lane.ns <= edge->end_ns + HAK_CUT_EDGE_NS) {
        uint32_t count = hak_drain_peek(&lane, &position, moves);
        for (uint32_t i = 0; i < count; i++)
            if (depends_on(edge, &moves[i])) {
                is_found = true;
                *ns = lane.ns;
            }
        if (!hak_drain_pass(&lane, position))
            break;
    }
    return is_found;
}

/* Takes the records of a lane behind the cut up to one that a move of the edge depends on. True:
 * something was taken. */
static bool take_from_lane(struct edge *edge, struct hak_lane *lane, struct hak_drain *drain) {
    struct hak_batch *batch = drain->batch;
    uint32_t before = batch->count;
    uint64_t until;
    if (!hak_drain_begin(lane, lane->cut_ticks) || !find_in_lane(edge, *lane, &until))
        return false;
    (void)hak_drain_run(drain, lane, until);
    for (uint32_t place = before; place < batch->count; place++)
        add(edge, batch, place);
    return batch->count != before;
}

void hak_cut_take_edge(struct hak_cut *cut, struct hak_drain *drain) {
    static struct edge edge; /* 32 KiB: one worker thread */
    struct hak_batch *batch = drain->batch;
    bool is_full = batch->is_full, is_more = true;
    if (batch->count == 0)
        return;
    find_edge(&edge, batch);
    batch->most = HAK_BATCH_MAX;
    batch->is_full = false;
    for (uint32_t i = 0; i < cut->lane_count; i++)
        cut->lanes[i].cut_ticks += HAK_CUT_EDGE_TICKS;
    while (is_more && !batch->is_full) {
        is_more = false;
        for (uint32_t i = 0; i < cut->lane_count && !batch->is_full; i++)
            is_more |= take_from_lane(&edge, &cut->lanes[i], drain);
    }
    batch->is_full |= is_full;
}

/* The edge of a cut: the records that its last events depend on, though they carry a later time.
 *
 *   ring A   --a1-----------|a2---       a2: MALLOC of block b, its time read just behind the edge
 *   ring B   ----------b1---|--b2-       b1: FREE of b, which the other thread was handed
 *                      edge ^            so a2 is taken, too
 *
 * A processor may read its time stamp counter before the load that an earlier instruction waits
 * for, and the counters of two processors may differ: so of two records of a block that two threads
 * wrote, the later one may carry the smaller time, by less than HAK_CUT_EDGE_NS. In the middle of
 * a cut hak_batch_order puts the two in order. At its edge the later one would be taken and the
 * earlier one left. So the records taken last are compared with those just behind the edge: a ring
 * that has an earlier record of one of these blocks is taken up to that record, and the records
 * taken by that are compared too, until nothing is found. */
#ifndef HAK_COLLECTOR_DRAIN_CUT_EDGE_H
#define HAK_COLLECTOR_DRAIN_CUT_EDGE_H

#include "collector/drain/cut.h"

#define HAK_CUT_EDGE_NS 2000

/* Takes from all lanes of `cut` the records that the end of the batch depends on. Before
 * hak_batch_order. */
void hak_cut_take_edge(struct hak_cut *cut, struct hak_drain *drain);

#endif

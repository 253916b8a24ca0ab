/* Follows all pieces of the program's own pools (hakmem.h) between two moments, with the peak of
 * what was handed out.
 *
 *   POOL_CREATE, _RESET, _DESTROY, PIECE_* --+
 *   forks, ends of processes (lineup.h) -----+--> pools of processes --> pieces --> lives, peak
 *
 * A child of a fork has the pieces of its parent. A process that has ended has none, but where the
 * moment is the end of the capture those of its own end. A piece ends by its free, by a move to a
 * place of the pool's, with its pool's reset or destroy, and where the pool hands out its address
 * again.
 *
 * Memory: the addresses of pieces of pools that are not destroyed, some 80 bytes each. */
#ifndef HAK_STORE_HISTORY_PIECE_FLOW_H
#define HAK_STORE_HISTORY_PIECE_FLOW_H

#include "store/history/flow.h"

/* A pool: the program's number for it in its process, and the POOL_CREATE that has its name. */
struct hak_piece_pool {
    uint32_t number;
    uint64_t create; /* event id; 0 = not in the capture */
};

struct hak_piece_flow_query {
    uint64_t from, to; /* events; 0 = the begin, the end */
    uint32_t process;  /* row id, 0 = all */
    /* Is called of each life that was open between the two: when it ends, and at last of those that
     * are open. NULL = the peak alone is wanted. */
    void (*life)(void *context, const struct hak_flow_life *life,
                 const struct hak_piece_pool *pool);
    void *context;
};

struct hak_piece_flow {
    struct hak_amount unknown; /* given back behind `from`, and not seen to come; bytes as told */
    struct hak_flow_peak peak; /* of the processes that were asked for */
};

/* Fills `out`. 0, or an error. */
int hak_piece_flow_read(struct hak_store_reader *r, const struct hak_piece_flow_query *query,
                        struct hak_piece_flow *out);

#endif

/* The program's own pools by name, for groups of their pieces: pools of one name are one row, those
 * without a name one for each. */
#ifndef HAK_VIEWER_PROFILE_POOLS_H
#define HAK_VIEWER_PROFILE_POOLS_H

#include <jansson.h>
#include "base/index.h"
#include "report/text/text.h"
#include "store/history/history.h"

struct profile_pool {
    char *name; /* NULL = it has none */
    uint32_t number, count;
};

/* Empty at first. */
struct profile_pools {
    struct profile_pool *row;
    uint32_t rows, room;
    struct hak_index by_create, by_name; /* row + 1 */
    bool failed;                         /* no memory */
};

/* The row of a pool, + 1; 0, and pools->failed, without memory. */
uint32_t profile_pool_of(struct profile_pools *pools, struct hak_store_reader *reader,
                         const struct hak_piece_pool *pool);
/* Appends what the pool of `row` (+ 1; 0 = none) is called: `2 "rows"`, `"rows", 12 pools`, `2`. */
void profile_add_pool(struct hak_text *text, const struct profile_pools *pools, uint32_t row);
/* The same as members of an object. */
void profile_set_pool(json_t *object, const struct profile_pools *pools, uint32_t row);

void profile_free_pools(struct profile_pools *pools);

#endif

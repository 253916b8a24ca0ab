/* Finds the names of the program's own pools, and puts those of one name together. */
#include "viewer/profile/pools.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/cli/cli.h"

static char *read_name(struct hak_store_reader *reader, const struct hak_piece_pool *pool) {
    char *name = hak_store_mark_name(reader, pool->create);
    if (name && !name[0]) {
        free(name);
        name = NULL;
    }
    return name;
}

/* The row of the name + 1, which counts one pool more; 0: there is none. */
static uint32_t find_by_name(struct profile_pools *pools, const char *name) {
    uint64_t key = hak_index_hash(name, strlen(name)), at = 0;
    for (uint32_t row; (row = hak_index_find(&pools->by_name, key, &at));)
        if (strcmp(pools->row[row - 1].name, name) == 0) {
            pools->row[row - 1].count++;
            return row;
        }
    return 0;
}

/* Adds a row, which gets the name. 0: no memory. */
static uint32_t add_row(struct profile_pools *pools, char *name, uint32_t number) {
    if (!hak_growing_make_room(&pools->row, pools->rows, &pools->room, sizeof *pools->row) ||
        (name &&
         !hak_index_add(&pools->by_name, hak_index_hash(name, strlen(name)), pools->rows + 1))) {
        free(name);
        return 0;
    }
    pools->row[pools->rows] = (struct profile_pool){name, number, 1};
    return ++pools->rows;
}

uint32_t profile_pool_of(struct profile_pools *pools, struct hak_store_reader *reader,
                         const struct hak_piece_pool *pool) {
    /* Without its create a pool is known by its number alone. */
    uint64_t key = pool->create ? pool->create : (uint64_t)1 << 63 | pool->number, at = 0;
    uint32_t row = hak_index_find(&pools->by_create, key, &at);
    if (row || pools->failed)
        return row;
    char *name = read_name(reader, pool);
    row = name ? find_by_name(pools, name) : 0;
    if (row)
        free(name);
    else
        row = add_row(pools, name, pool->number);
    pools->failed = !row || !hak_index_add(&pools->by_create, key, row);
    return pools->failed ? 0 : row;
}

void profile_add_pool(struct hak_text *text, const struct profile_pools *pools, uint32_t row) {
    const struct profile_pool *pool = row ? &pools->row[row - 1] : NULL;
    if (!pool)
        return;
    if (pool->name && pool->count == 1) {
        hak_text_add(text, "%s", hak_words_quoted(pool->number, pool->name));
    } else if (pool->name) {
        hak_text_add(text, "\"");
        hak_text_add_name(text, pool->name);
        hak_text_add(text, "\", %s", hak_words_count(pool->count, "pool", "pools"));
    } else {
        hak_text_add(text, "%s", hak_words_number(pool->number));
    }
}

void profile_set_pool(json_t *object, const struct profile_pools *pools, uint32_t row) {
    const struct profile_pool *pool = row ? &pools->row[row - 1] : NULL;
    if (pool)
        hak_json_set(object, JSON("pool", pool->name ? hak_json_text(pool->name) : json_null()),
                     KNOWN("pool_number", pool->count == 1, pool->number),
                     NUMBER("pool_count", pool->count));
}

void profile_free_pools(struct profile_pools *pools) {
    for (uint32_t i = 0; i < pools->rows; i++)
        free(pools->row[i].name);
    free(pools->row);
    hak_index_free(&pools->by_create);
    hak_index_free(&pools->by_name);
    *pools = (struct profile_pools){.rows = 0};
}

/* Adds up the large layer twice, by addresses and by caches and shards, and compares. */
#include "large/totals.h"

#include "large/spare.h"
#include "large_map/address_map.h"

struct sums {
    struct hak_large_totals totals;
    size_t pooled_bytes;  /* of all blocks whose pages are a shard's */
    uintptr_t start, end; /* of the block before */
    bool overlaps;
    size_t guarded_blocks; /* of the live ones */
};

/* Adds a block's bytes to the sums and notes whether it overlaps the one before; called for each,
 * by address. */
static void add_block_to_sums(struct hak_large *large, void *context) {
    struct sums *sums = context;
    if (hak_large_is_live(large)) {
        sums->totals.live_blocks++;
        sums->totals.live_bytes += large->mapped_bytes;
        sums->guarded_blocks += hak_is_debug_build && large->guarded_side;
    } else if (!hak_is_debug_build || !large->guarded_side) {
        sums->totals.kept_blocks++;
        sums->totals.kept_bytes += large->mapped_bytes;
    }
    if (large->chunk)
        sums->pooled_bytes += large->mapped_bytes;
    /* Those above 1 MiB come behind all others, from the lowest address again. */
    uintptr_t start = base_address(large->base);
    sums->overlaps |= start >= sums->start && start < sums->end;
    sums->start = start;
    sums->end = base_address(large->base) + large->mapped_bytes;
}

size_t hak_large_count(size_t *mapped_bytes) {
    struct sums sums = {0};
    hak_large_each(add_block_to_sums, &sums);
    *mapped_bytes = sums.totals.live_bytes;
    return sums.totals.live_blocks;
}

void hak_large_take_figures(struct hak_large_figures *figures) {
    struct sums sums = {0};
    hak_large_each(add_block_to_sums, &sums);
    *figures = (struct hak_large_figures){.live_blocks = sums.totals.live_blocks,
                                          .live_bytes = sums.totals.live_bytes,
                                          .dirty_bytes = sums.totals.kept_bytes + hak_spare_bytes(),
                                          .guarded_blocks = sums.guarded_blocks};
    hak_l25_count_free(&figures->dirty_bytes, &figures->clean_bytes);
}

static bool differ(size_t all, size_t reached, bool may_lack) {
    return may_lack ? reached > all : reached != all;
}

const char *hak_large_verify(struct hak_large_totals *totals) {
    struct sums sums = {0};
    hak_large_each(add_block_to_sums, &sums);
    *totals = sums.totals;
    if (sums.overlaps)
        return "two large blocks overlap";
    const char *wrong = hak_l25_verify(&totals->pool_free_bytes, &totals->pool_used_bytes);
    size_t cached_blocks = 0, cached_bytes = 0;
    if (!wrong)
        wrong = hak_bigcache_verify(&cached_blocks, &cached_bytes);
    /* A block that a fork lost is still in the map, or still counted by its shard. */
    bool may_lack = hak_bigcache_may_have_lost() || hak_l25_may_have_lost();
    if (!wrong && differ(totals->kept_blocks, cached_blocks, may_lack))
        wrong = "the BigCache has other blocks than the address map";
    if (!wrong && differ(totals->kept_bytes, cached_bytes, may_lack))
        wrong = "the BigCache has other bytes than the address map";
    if (!wrong && differ(totals->pool_used_bytes, sums.pooled_bytes, may_lack))
        wrong = "the L2.5 pool has other pages in use than its blocks have";
    return wrong;
}

/* The trees from addresses to large blocks: whoever looks at all of them finds each, and touches no
 * page of the trees that nothing was written into. */
#include "large_map/address_map.h"
#include <sys/mman.h>
#include "options.h"
#include "unit/suite.h"

enum { MOST = 400 };
static struct hak_large blocks[MOST];
static unsigned seen[MOST];

/* Blocks that nobody maps: only their addresses are looked at. */
static void enter(unsigned i, uintptr_t start, size_t bytes) {
    blocks[i].base.p = (char *)start;
    blocks[i].mapped_bytes = bytes;
    ck_assert(hak_address_map_prepare(blocks[i].base.p, bytes));
    hak_address_map_set(&blocks[i]);
}

static void note(struct hak_large *large, void *context) {
    (void)context;
    seen[large - blocks]++;
}

/* Each bit of an address from `lowest` on alone, and all but it: the first and the last place of
 * every part. */
static unsigned enter_all(unsigned count, unsigned lowest, size_t bytes) {
    uintptr_t all = ((uintptr_t)1 << HAK_ADDRESS_BITS) - ((uintptr_t)1 << lowest);
    for (unsigned bit = lowest; bit < HAK_ADDRESS_BITS; bit++) {
        enter(count++, (uintptr_t)1 << bit, bytes);
        enter(count++, all ^ (uintptr_t)1 << bit, bytes);
    }
    enter(count++, all, bytes);
    return count;
}

TEST(each_block_is_visited_once) {
    unsigned count = enter_all(0, 12, HAK_PAGE_BYTES);
    count = enter_all(count, HAK_MAP_GRANULE_BITS, (size_t)2 << 20);
    ck_assert_uint_le(count, MOST);
    ck_assert_uint_eq(hak_large_each(note, NULL), count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_uint_eq(seen[i], 1);
    for (unsigned i = 0; i < count; i += 2)
        hak_address_map_clear(&blocks[i]);
    ck_assert_uint_eq(hak_large_each(note, NULL), count / 2);
}

static unsigned touched_pages(const void *start, size_t bytes) {
    static unsigned char is_there[4096];
    unsigned count = 0;
    ck_assert_uint_le(bytes / HAK_PAGE_BYTES, sizeof is_there);
    ck_assert_int_eq(mincore((void *)(uintptr_t)start, bytes, is_there), 0);
    for (size_t page = 0; page < (bytes + HAK_PAGE_BYTES - 1) / HAK_PAGE_BYTES; page++)
        count += is_there[page] & 1;
    return count;
}

TEST(pages_without_a_block_stay_untouched) {
    enter(0, (uintptr_t)0x7f1234560000, HAK_PAGE_BYTES);
    enter(1, (uintptr_t)0x7f1200000000, (size_t)2 << 20);
    const struct hak_map_root *root = hak_map_root;
    const struct hak_map_middle *middle = root->middle[0x7f1234560000 >> 31];
    const struct hak_map_granules *granules = root->granules[0x7f1200000000 >> 33];
    unsigned before = touched_pages(root, sizeof *root) + touched_pages(middle, sizeof *middle) +
                      touched_pages(granules, sizeof *granules);
    ck_assert_uint_eq(hak_large_each(note, NULL), 2);
    unsigned now = touched_pages(root, sizeof *root) + touched_pages(middle, sizeof *middle) +
                   touched_pages(granules, sizeof *granules);
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_eq(now, before);
}

RUN_TESTS()

/* More holes than the kernel allows mappings: what cannot be unmapped gives its pages back, serves
 * again, and is unmapped later. */
#include "large/held.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "large/large.h"
#include "platform/platform.h"
#include "unit/suite.h"

/* Aligned to more than a page, so that each has a mapping of its own. */
enum { MORE = 8000, BLOCK_BYTES = 8192, ALIGNMENT = 8192 };

static size_t read_number(const char *path) {
    size_t number = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%zu", &number), 1);
    fclose(file);
    return number;
}

static size_t address_space_bytes(void) {
    return read_number("/proc/self/statm") * HAK_PAGE_BYTES;
}

/* Every second block is given back, until long after the kernel makes no hole any more. */
static size_t make_holes(base_t **blocks) {
    size_t count = 2 * (read_number("/proc/sys/vm/max_map_count") + MORE);
    *blocks = malloc(count * sizeof **blocks);
    for (size_t i = 0; i < count; i++) {
        (*blocks)[i] = hak_large_take(BLOCK_BYTES, ALIGNMENT, NULL);
        ck_assert_ptr_nonnull((*blocks)[i].p);
        (*blocks)[i].p[0] = 1;
    }
    for (size_t i = 0; i < count; i += 2)
        ck_assert(hak_large_give((*blocks)[i]));
    return count;
}

static bool is_zero(const char *p) {
    for (int i = 0; i < BLOCK_BYTES; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void take_held(char **blocks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t mapped_bytes;
        blocks[i] = hak_held_take(BLOCK_BYTES, &mapped_bytes);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq(mapped_bytes, BLOCK_BYTES);
        ck_assert(is_zero(blocks[i]));
        blocks[i][BLOCK_BYTES - 1] = 1;
    }
}

TEST(what_cannot_be_unmapped_serves_again_and_is_not_lost) {
    base_t *blocks;
    static char *again[MORE / 2];
    size_t before = address_space_bytes();
    size_t count = make_holes(&blocks), with_holes = address_space_bytes();
    ck_assert(hak_large_keeps(blocks[count - 100].p));
    take_held(again, MORE / 2);
    ck_assert_uint_lt(address_space_bytes() - with_holes, (size_t)MORE / 4 * BLOCK_BYTES);
    /* A block that cannot be cut keeps its size. */
    ck_assert(hak_large_resize(blocks[count - 3], HAK_PAGE_BYTES));
    ck_assert_int_eq(blocks[count - 3].p[0], 1);
    for (size_t i = 0; i < MORE / 2; i++)
        hak_held_unmap(again[i], BLOCK_BYTES);
    for (size_t i = 1; i < count; i += 2)
        ck_assert(hak_large_give(blocks[i]));
    free(blocks);
    /* The structs and leaves stay; of the blocks themselves hardly anything does. */
    size_t stays = count * sizeof(struct hak_large) * 2;
    ck_assert_uint_lt(address_space_bytes() - before, stays + (size_t)MORE / 4 * BLOCK_BYTES);
}

RUN_TESTS()

/* The index of stack nodes finds each row by its parent and key, and nothing else. */
#include "unit/suite.h"
#include "collector/capture/node_index.h"
#include "base/index.h"
#include "../../suite.h"

enum { ROWS = 200000 };

static uint64_t key_of(uint32_t row) {
    return hak_index_mix(1, row);
}

/* A tree with long chains and wide levels. */
static uint32_t parent_of(uint32_t row) {
    return row % 3 == 0 ? row / 2 : row % 7 == 0 ? 0 : row - 1;
}

TEST(finds_what_was_added) {
    struct hak_node_index index = {0};
    unsigned wrong = 0;
    ck_assert_uint_eq(hak_node_index_find(&index, 0, key_of(1)), 0);
    for (uint32_t row = 1; row <= ROWS; row++) {
        wrong += hak_node_index_find(&index, parent_of(row), key_of(row)) != 0;
        ck_assert(hak_node_index_add(&index, parent_of(row), key_of(row)));
    }
    for (uint32_t row = 1; row <= ROWS; row++)
        wrong += hak_node_index_find(&index, parent_of(row), key_of(row)) != row;
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(index.count, ROWS);
    hak_node_index_free(&index);
}

/* Rows before the base are parents as others are, and are not found. */
TEST(begins_behind_its_base) {
    enum { BASE = 1000 };
    struct hak_node_index index = {.base = BASE};
    unsigned wrong = 0;
    for (uint32_t row = BASE + 1; row <= ROWS; row++) {
        wrong += hak_node_index_find(&index, parent_of(row), key_of(row)) != 0;
        ck_assert(hak_node_index_add(&index, parent_of(row), key_of(row)));
    }
    for (uint32_t row = 1; row <= ROWS; row++)
        wrong += hak_node_index_find(&index, parent_of(row), key_of(row)) != (row > BASE ? row : 0);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(index.count, ROWS - BASE);
    hak_node_index_free(&index);
}

TEST(parents_come_first) {
    struct hak_node_index index = {0};
    ck_assert(!hak_node_index_add(&index, 1, key_of(1)));
    ck_assert(hak_node_index_add(&index, 0, key_of(1)));
    ck_assert_uint_eq(hak_node_index_find(&index, 1, key_of(1)), 0);
    ck_assert_uint_eq(hak_node_index_find(&index, 7, key_of(1)), 0);
    hak_node_index_free(&index);
}

RUN_TESTS()

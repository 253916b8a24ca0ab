/* Faults that count as the same: code, hop and the side of the block that the pointer lies on. */
#include "viewer/reduce/parts.h"

#include "unit/suite.h"

static struct place place_of(unsigned code, const char *rest) {
    char line[512];
    struct place place;
    snprintf(line, sizeof line, "SUMMARY: hakmem: name a.c:1 main%s store=a.db", rest);
    place_read(&place, code, line);
    return place;
}

static bool is_same(unsigned code, const char *a, const char *b) {
    struct place first = place_of(code, a), second = place_of(code, b);
    return place_is_same(&first, &second);
}

TEST(sides_of_a_block_are_kept_and_distances_are_not) {
    ck_assert(is_same(HEAP_BUFFER_OVERFLOW, " hop=READ size=24 offset=+30",
                      " hop=READ size=1 offset=+1"));
    ck_assert(!is_same(HEAP_BUFFER_OVERFLOW, " hop=READ size=24 offset=+30",
                       " hop=READ size=24 offset=+3"));
    ck_assert(!is_same(HEAP_BUFFER_UNDERFLOW, " hop=READ size=24 offset=-1",
                       " hop=READ size=24 offset=+0"));
    ck_assert(is_same(USE_AFTER_FREE, " hop=READ size=24 offset=+8", " hop=READ size=1 offset=+0"));
    ck_assert(
        !is_same(USE_AFTER_FREE, " hop=READ size=24 offset=+8", " hop=WRITE size=24 offset=+8"));
}

TEST(a_call_that_frees_has_the_start_as_a_side) {
    ck_assert(!is_same(BAD_FREE, " hop=FREE size=100 offset=+16", " hop=FREE size=100 offset=+0"));
    ck_assert(is_same(BAD_FREE, " hop=FREE size=100 offset=+16", " hop=FREE size=8 offset=+7"));
    ck_assert(!is_same(BAD_FREE, " hop=FREE size=unknown offset=unknown",
                       " hop=FREE size=100 offset=+16"));
    ck_assert(
        !is_same(POOL_MISMATCH, " hop=FREE size=40 offset=+8", " hop=FREE size=40 offset=+0"));
}

TEST(a_fault_of_the_layers_has_the_header_alone) {
    ck_assert(
        !is_same(101, " hop=SLL_PUSH class=C1 offset=+16", " hop=SLL_PUSH class=C1 offset=+0"));
    ck_assert(
        is_same(101, " hop=SLL_PUSH class=C1 offset=+16", " hop=SLL_PUSH class=C3 offset=+16"));
}

TEST(names_in_the_line_are_no_values) {
    struct place place = place_of(DOUBLE_FREE, " at hop=LIE offset=+9 hop=FREE size=8 offset=+0");
    ck_assert_str_eq(place.hop, "FREE");
    ck_assert_int_eq(place.side, SIDE_BASE);
}

TEST(the_first_report_counts) {
    struct place place;
    place_read_first(&place, "words\nhakmem: HKM-301 a\nSUMMARY: hakmem: a b hop=READ size=1 "
                             "offset=+1 store=a\nhakmem: HKM-202 b\n");
    ck_assert_uint_eq(place.code, HEAP_BUFFER_OVERFLOW);
    ck_assert_int_eq(place.side, SIDE_BEHIND);
    place_read_first(&place, "no report");
    ck_assert_uint_eq(place.code, 0);
}

static struct place place_of_move(const char *from) {
    char said[512];
    struct place place;
    snprintf(said, sizeof said,
             "hakmem: HKM-507 pool-illegal-move: f() calls hak_pool_move on a 40-byte piece of "
             "pool 1 \"a, from \"free\"\", from \"%s\" to \"b\": the pool has no such move\n"
             "SUMMARY: hakmem: a b hop=PIECE_MOVE size=40 offset=+0 store=a\n",
             from);
    place_read_first(&place, said);
    return place;
}

TEST(an_illegal_move_has_the_place_that_it_is_from) {
    struct place cache = place_of_move("cache"), list = place_of_move("list"),
                 out = place_of_move("out"), stored = {.code = 0};
    place_read(&stored, POOL_ILLEGAL_MOVE, "SUMMARY: a hop=PIECE_MOVE size=40 offset=+0 store=a");
    place_read_from(&stored, "list");
    ck_assert(place_is_same(&cache, &list));
    ck_assert(place_is_same(&cache, &stored));
    ck_assert(!place_is_same(&cache, &out));
}

TEST(a_raw_report_is_like_no_other) {
    struct place raw;
    place_read_first(&raw, "hakmem: HKM-201 bad-free at 0x1 (raw report: no collector)\n"
                           "SUMMARY: hakmem: bad-free address=0x1 store=a\n");
    ck_assert(raw.is_raw);
    ck_assert(!place_is_same(&raw, &raw));
}

RUN_TESTS()

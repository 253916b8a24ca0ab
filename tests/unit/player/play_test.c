/* Words of a play file, and times by octave and eighth. */
#include "player/play.h"

#include "unit/suite.h"

TEST(a_word_has_kind_slot_and_bytes) {
    uint64_t word = play_word(PLAY_REALLOC, PLAY_SLOTS_MAX - 1, 0xfffffffeu);
    ck_assert_int_eq(play_kind_of(word), PLAY_REALLOC);
    ck_assert_uint_eq(play_slot_of(word), PLAY_SLOTS_MAX - 1);
    ck_assert_uint_eq(play_bytes_of(word), 0xfffffffeu);
    ck_assert_uint_eq(play_word(PLAY_MALLOC, 0, 1), 1ull << 32);
}

/* Each time has a place, whose greatest time is at most an eighth above it. */
TEST(a_time_is_known_to_an_eighth) {
    unsigned last = 0;
    for (uint64_t ticks = 0; ticks < 1ull << 62; ticks += ticks / 100 + 1) {
        unsigned at = play_time_index(ticks);
        ck_assert_uint_lt(at, PLAY_TIMES);
        ck_assert_uint_ge(at, last);
        ck_assert_uint_ge(play_time_most(at), ticks);
        ck_assert_uint_le(play_time_most(at) - ticks, ticks / 8);
        ck_assert_uint_eq(play_time_index(play_time_most(at)), at);
        last = at;
    }
    ck_assert_uint_lt(play_time_index(UINT64_MAX), PLAY_TIMES);
}

RUN_TESTS()

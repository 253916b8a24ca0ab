/* The pieces of an address: which held it, what ended each, and the pool of the last one. */
#include "store/history/piece.h"
#include "../capture.h"

enum { PIECE = 0x1000, POOL_AT = 0x9000 };

static struct hak_piece_story story;

static void start(void) {
    capture_start();
}
static void stop(void) {
    capture_clean(capture.path);
}

static uint64_t tell(uint8_t kind, uint64_t pool, uint64_t address, uint64_t bytes) {
    return capture_put((struct hak_event){.process = 1,
                                          .thread = 1,
                                          .stack = 1,
                                          .kind = kind,
                                          .class_index = HAK_CLASS_NONE,
                                          .address = address,
                                          .base = address,
                                          .size = bytes,
                                          .generation = pool});
}

/* Fills `story`; 1 or 0. The capture is closed by the first. */
static int read_piece(uint64_t address, uint64_t to) {
    struct hak_store_reader *r;
    if (capture.w)
        capture_finish();
    must(hak_store_open(capture.path, &r));
    int found = hak_piece_story_read(r, address, 1, to, &story);
    must(found);
    hak_store_close(r);
    return found;
}

TEST(an_address_in_no_piece_has_none) {
    tell(HAK_PIECE_ALLOC, 1, PIECE, 16);
    ck_assert_int_eq(read_piece(PIECE - 1, 0), 0);
    ck_assert_int_eq(read_piece(PIECE + 16, 0), 0);
    ck_assert_int_eq(read_piece(PIECE + 15, 0), 1);
    ck_assert_uint_eq(story.pool.id, 0);
}

TEST(each_life_has_its_ends) {
    tell(HAK_POOL_CREATE, 7, POOL_AT, 0);
    uint64_t create = tell(HAK_POOL_CREATE, 1, POOL_AT + 8, 0);
    tell(HAK_PIECE_ALLOC, 1, PIECE, 16);
    uint64_t end = tell(HAK_PIECE_FREE, 1, PIECE, 16);
    tell(HAK_PIECE_ALLOC, 1, PIECE, 32);
    tell(HAK_PIECE_FREE, 2, PIECE, 32); /* another pool's piece there */
    tell(HAK_PIECE_FREE, 1, PIECE + 64, 32);
    uint64_t reset = tell(HAK_POOL_RESET, 1, POOL_AT + 8, 0);
    uint64_t last = tell(HAK_PIECE_ALLOC, 1, PIECE, 48);
    tell(HAK_POOL_DESTROY, 7, POOL_AT, 0);
    ck_assert_int_eq(read_piece(PIECE, 0), 1);
    ck_assert_uint_eq(story.lives_total, 3);
    ck_assert_uint_eq(story.life[0].end.id, end);
    ck_assert_uint_eq(story.life[1].end.id, reset);
    ck_assert_uint_eq(story.life[2].birth.id, last);
    ck_assert_uint_eq(story.life[2].end.id, 0);
    ck_assert_uint_eq(story.pool.id, create);
    ck_assert_int_eq(read_piece(PIECE + 20, reset - 1), 1);
    ck_assert_uint_eq(story.lives_total, 1);
    ck_assert_uint_eq(story.life[0].end.id, 0);
}

/* A pool may hand an address out again without a word; pieces of two pools may hold it at once. */
TEST(pieces_of_other_pools_go_on) {
    tell(HAK_PIECE_ALLOC, 1, PIECE, 256);
    uint64_t inner = tell(HAK_PIECE_ALLOC, 2, PIECE, 16);
    uint64_t again = tell(HAK_PIECE_ALLOC, 2, PIECE, 16);
    ck_assert_int_eq(read_piece(PIECE + 1, 0), 1);
    ck_assert_uint_eq(story.lives_total, 3);
    ck_assert_uint_eq(story.life[0].end.id, 0);
    ck_assert_uint_eq(story.life[1].birth.id, inner);
    ck_assert_uint_eq(story.life[1].end.id, again);
}

/* A move ends the life of its piece alone, and one to "out" begins the next one. */
TEST(a_move_is_of_its_piece) {
    enum { OUT = 0, FREE = 1, CACHE = 3 };
    tell(HAK_PIECE_ALLOC, 1, PIECE, 16);
    tell(HAK_PIECE_ALLOC, 1, PIECE + 64, 32);
    tell(HAK_PIECE_MOVE, 1, PIECE, OUT | OUT << 8);
    uint64_t away = tell(HAK_PIECE_MOVE, 1, PIECE + 64, CACHE | OUT << 8);
    tell(HAK_PIECE_MOVE, 2, PIECE, CACHE | OUT << 8);
    uint64_t out = tell(HAK_PIECE_MOVE, 1, PIECE + 64, OUT | CACHE << 8);
    uint64_t unknown = tell(HAK_PIECE_MOVE, 1, PIECE + 256, OUT | CACHE << 8);
    tell(HAK_POOL_CREATE, 1, POOL_AT, 0);
    ck_assert_int_eq(read_piece(PIECE, 0), 1);
    ck_assert_uint_eq(story.lives_total, 1);
    ck_assert_uint_eq(story.life[0].end.id, 0);
    ck_assert_int_eq(read_piece(PIECE + 64 + 31, 0), 1);
    ck_assert_uint_eq(story.lives_total, 2);
    ck_assert_uint_eq(story.life[0].end.id, away);
    ck_assert_uint_eq(story.life[1].birth.id, out);
    ck_assert_uint_eq(story.life[1].bytes, 32);
    ck_assert_uint_eq(story.life[1].end.id, 0);
    ck_assert_int_eq(read_piece(PIECE + 256, 0), 1);
    ck_assert_uint_eq(story.life[0].birth.id, unknown);
    ck_assert_uint_eq(story.life[0].bytes, 0);
}

TEST(a_reset_outside_of_a_range_spares_its_pieces) {
    tell(HAK_PIECE_ALLOC, 1, PIECE, 16);
    tell(HAK_PIECE_ALLOC, 1, PIECE + 16, 16);
    tell(HAK_PIECE_ALLOC, 1, PIECE + 32, 16);
    tell(HAK_PIECE_ALLOC, 1, PIECE + 48, 16);
    uint64_t reset = tell(HAK_POOL_RESET, 1, PIECE + 31, 2);
    ck_assert_int_eq(read_piece(PIECE, 0), 1);
    ck_assert_uint_eq(story.life[0].end.id, reset);
    ck_assert_int_eq(read_piece(PIECE + 16, 0), 1);
    ck_assert_uint_eq(story.life[0].end.id, 0);
    ck_assert_int_eq(read_piece(PIECE + 32, 0), 1);
    ck_assert_uint_eq(story.life[0].end.id, 0);
    ck_assert_int_eq(read_piece(PIECE + 48, 0), 1);
    ck_assert_uint_eq(story.life[0].end.id, reset);
}

TEST(the_newest_lives_are_kept) {
    for (uint64_t i = 0; i < 3 * HAK_PIECE_LIVES; i++) {
        tell(HAK_PIECE_ALLOC, 1, PIECE, 16 + i);
        tell(HAK_PIECE_FREE, 1, PIECE, 16 + i);
    }
    ck_assert_int_eq(read_piece(PIECE, 0), 1);
    ck_assert_uint_eq(story.lives_total, 3 * HAK_PIECE_LIVES);
    ck_assert_uint_eq(story.life[0].birth.size, 16 + 2 * HAK_PIECE_LIVES);
    ck_assert_uint_eq(story.life[HAK_PIECE_LIVES - 1].birth.size, 16 + 3 * HAK_PIECE_LIVES - 1);
    ck_assert_uint_ne(story.life[HAK_PIECE_LIVES - 1].end.id, 0);
}

RUN_TESTS(.set_up = start, .tear_down = stop)

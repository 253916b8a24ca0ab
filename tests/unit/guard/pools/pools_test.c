/* The program's own pools, as they are told by hakmem.h: each misuse has its code and facts,
 * correct calls have none. */
#include <pthread.h>
#include "guard/pools/blocks.h"
#include "guard/pools/pieces.h"
#include "guard/pools/redzone.h"
#include "unit/guard/world.h"

static const void *const malloc_like = (const void *)1; /* HAK_POOL_MALLOC_LIKE */

/* hakmem.h declares them weak, which takes nothing out of an archive. */
void hak_pool_create(const void *of, const char *name);
void hak_pool_alloc(const void *of, const void *piece, size_t bytes);
void hak_pool_redzone(const void *of, size_t before, size_t behind);
void hak_pool_allow(const void *of, const char *from, const char *to);
void hak_pool_move(const void *of, const void *piece, const char *to);
void hak_pool_free(const void *of, const void *piece);
void hak_pool_reset(const void *of);
void hak_pool_reset_outside(const void *of, const void *from, size_t bytes);
void hak_pool_destroy(const void *of);
void hak_pool_rebase(const void *of, const void *to);
void hak_pool_auto_free(const void *of);
int hak_pool_exists(const void *of);

enum { PIECE = 16, STACK_OF_CREATE = 11, STACK_OF_ALLOC = 12, STACK_OF_END = 13 };

static char pool[4096], other[4096];

static uint32_t fault_of_free(const void *of, const void *piece) {
    unsigned before = fault_count;
    hak_pool_free(of, piece);
    return fault_count == before ? 0 : last_fault()->fault;
}

static void begin(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    stack_of_program = STACK_OF_CREATE;
    hak_pool_create(pool, "pool");
    hak_pool_create(other, "other");
    stack_of_program = STACK_OF_ALLOC;
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    stack_of_program = STACK_OF_END;
}

TEST(a_piece_is_freed_once_in_each_life) {
    begin();
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
        ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_DOUBLE_FREE);
        ck_assert_uint_eq(last_fault()->free_stack, STACK_OF_END);
        hak_pool_alloc(pool, pool + PIECE, PIECE);
    }
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)pool + PIECE);
    ck_assert_uint_eq(last_fault()->asked_bytes, PIECE);
    ck_assert_str_eq(last_fault()->pool.name, "pool");
    ck_assert_str_eq(last_fault()->call, "hak_pool_free");
}

TEST(a_piece_goes_back_to_its_own_pool) {
    begin();
    ck_assert_uint_eq(fault_of_free(other, pool + PIECE), HAK_FAULT_POOL_MISMATCH);
    ck_assert_str_eq(last_fault()->pool.name, "other");
    ck_assert_str_eq(last_fault()->pool.other_name, "pool");
    ck_assert_uint_eq(last_fault()->pool.other_number + 1, last_fault()->pool.number);
    ck_assert_uint_eq(last_fault()->alloc_stack, STACK_OF_ALLOC);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
}

TEST(an_address_that_is_no_piece_is_not_freed) {
    begin();
    ck_assert_uint_eq(fault_of_free(pool, pool + 5 * PIECE), HAK_FAULT_POOL_BAD_FREE);
    ck_assert_uint_eq(last_fault()->base, 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE + 3), HAK_FAULT_POOL_BAD_FREE);
    ck_assert_uint_eq(last_fault()->base, (uintptr_t)pool + PIECE);
    ck_assert_int_eq(last_fault()->offset, 3);
    ck_assert_uint_eq(fault_of_free(pool, pool + 2 * PIECE), HAK_FAULT_POOL_BAD_FREE);
    ck_assert_uint_eq(last_fault()->base, 0);
}

TEST(a_reset_ends_the_pieces_and_not_the_pool) {
    begin();
    hak_pool_reset(pool);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
    ck_assert_uint_eq(last_fault()->pool.end, HAK_POOL_WAS_RESET);
    ck_assert_uint_eq(last_fault()->free_stack, STACK_OF_END);
    ck_assert_uint_eq(last_fault()->alloc_stack, STACK_OF_ALLOC);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
}

TEST(a_destroyed_pool_is_not_used) {
    begin();
    hak_pool_destroy(pool);
    unsigned before = fault_count;
    hak_pool_alloc(pool, pool, PIECE);
    hak_pool_reset(pool);
    hak_pool_destroy(pool);
    ck_assert_uint_eq(fault_count, before + 3);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_POOL_USE_AFTER_RESET);
    ck_assert_uint_eq(last_fault()->alloc_stack, STACK_OF_CREATE);
    ck_assert_uint_eq(last_fault()->pool.end, HAK_POOL_WAS_DESTROYED);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
    hak_pool_create(pool, "again");
    hak_pool_alloc(pool, pool, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool), 0);
}

/* A piece may be another pool's memory, whose first piece has its address. */
TEST(pools_may_lie_in_each_other) {
    begin();
    hak_pool_alloc(other, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_of_free(other, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(other, pool + PIECE), HAK_FAULT_POOL_DOUBLE_FREE);
    hak_pool_destroy(other);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_DOUBLE_FREE);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    hak_pool_create(other, "other");
    hak_pool_alloc(other, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0); /* with live ones in it */
}

/* A pool that does not move on for no bytes hands out the address again. */
TEST(pieces_of_no_bytes_share_an_address) {
    begin();
    hak_pool_alloc(other, other, 0);
    hak_pool_alloc(other, other, 0);
    hak_pool_alloc(other, other, PIECE);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(fault_of_free(other, other), 0);
    ck_assert_uint_eq(fault_of_free(other, other), HAK_FAULT_POOL_DOUBLE_FREE);
}

/* A pool that takes pieces back hands none out twice; an arena may begin anew without a word. */
TEST(a_piece_is_handed_out_once_in_each_life) {
    begin();
    unsigned before = fault_count;
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_count, before);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_count, before);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_count, before + 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_POOL_DOUBLE_ALLOC);
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)pool + PIECE);
    hak_pool_reset(pool);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_count, before + 1);
}

static char *take_with_room(int number) {
    char *piece = other + 64 * number + 16;
    hak_pool_alloc(other, piece, PIECE);
    return piece;
}

TEST(writes_into_the_room_around_a_piece_are_found) {
    begin();
    hak_pool_redzone(other, 8, 16);
    char *piece[6];
    for (int i = 0; i < 6; i++)
        piece[i] = take_with_room(i);
    unsigned before = fault_count;
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY), 0);
    piece[0][PIECE - 1]++;
    ck_assert_uint_eq(fault_of_free(other, piece[0]), 0);
    piece[1][PIECE + 1]++;
    piece[1][PIECE + 3]++;
    ck_assert_uint_eq(fault_of_free(other, piece[1]), HAK_FAULT_POOL_OVERFLOW);
    ck_assert_int_eq(last_fault()->offset, PIECE + 1);
    ck_assert_uint_eq(last_fault()->damaged_bytes, 2);
    ck_assert_uint_eq(last_fault()->damaged_span, 3);
    ck_assert_uint_eq(last_fault()->damage_is_open, 0);
    ck_assert_uint_eq(fault_of_free(other, piece[1]), HAK_FAULT_POOL_DOUBLE_FREE);
    piece[2][-8]++;
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY), 1);
    ck_assert_int_eq(last_fault()->offset, -8);
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)piece[2]);
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY), 0); /* it was told */
    ck_assert_uint_eq(fault_of_free(other, piece[2]), 0);
    piece[3][-9]++; /* nobody's */
    piece[4][PIECE + 15]++;
    piece[5][PIECE]++;
    hak_pool_reset(other);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_POOL_OVERFLOW);
    ck_assert_uint_eq(last_fault()->more_damaged, 1);
    ck_assert_str_eq(last_fault()->call, "hak_pool_reset");
    before = fault_count;
    piece[0] = take_with_room(0);
    hak_pool_destroy(other);
    ck_assert_uint_eq(fault_count, before);
}

/* A chunk that the pool takes pieces from. */
static char *take_chunk(void) {
    return hand_out(slot_at(3, 0), 512, 0).p;
}

/* The chunk goes back to malloc, and malloc hands it out again. */
static char *take_chunk_again(void) {
    set_place(slot_at(3, 0), HAK_PLACE_FRONT);
    return take_chunk();
}

/* The owner frees a pool's memory without a word: then it is another block's. */
TEST(room_in_a_block_that_was_freed_is_not_compared) {
    begin();
    hak_pool_redzone(other, 16, 16);
    char *chunk = take_chunk();
    hak_pool_alloc(other, chunk + 64, PIECE);
    hak_pool_alloc(other, chunk + 128, PIECE);
    unsigned before = fault_count;
    ck_assert_ptr_eq(take_chunk_again(), chunk);
    memset(chunk, 1, 512);
    ck_assert_uint_eq(fault_of_free(other, chunk + 64), 0);
    hak_pool_reset(other);
    ck_assert_uint_eq(fault_count, before);
    hak_pool_alloc(other, chunk + 64, PIECE);
    chunk[64 + PIECE]++;
    ck_assert_uint_eq(fault_of_free(other, chunk + 64), HAK_FAULT_POOL_OVERFLOW);
}

TEST(room_outside_of_the_block_is_left_alone) {
    begin();
    hak_pool_redzone(other, 64, 64);
    char *chunk = take_chunk(), kept[2][64];
    memcpy(kept[0], chunk - 64, 64);
    memcpy(kept[1], chunk + 512, 64);
    hak_pool_alloc(other, chunk, PIECE);
    hak_pool_alloc(other, chunk + 496, PIECE);
    ck_assert_mem_eq(kept[0], chunk - 64, 64);
    ck_assert_mem_eq(kept[1], chunk + 512, 64);
    chunk[-1]++;
    chunk[512]++;
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY), 0);
    chunk[495]++;
    ck_assert_uint_eq(fault_of_free(other, chunk + 496), HAK_FAULT_POOL_OVERFLOW);
    ck_assert_uint_eq(last_fault()->base, (uintptr_t)chunk + 496 - 64);
    ck_assert_uint_eq(last_fault()->slot_bytes, 64 + PIECE);
    chunk[PIECE + 63]++;
    ck_assert_uint_eq(fault_of_free(other, chunk), HAK_FAULT_POOL_OVERFLOW);
    ck_assert_int_eq(last_fault()->offset, PIECE + 63);
    ck_assert_uint_eq(last_fault()->damage_is_open, 1);
}

TEST(a_piece_of_a_freed_block_may_be_handed_out_again) {
    begin();
    char *chunk = take_chunk();
    hak_pool_allow(pool, "cache", "list");
    hak_pool_alloc(other, chunk + 64, PIECE);
    hak_pool_alloc(other, chunk + 128, PIECE);
    hak_pool_alloc(pool, chunk + 256, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, chunk + 256), 0);
    ck_assert_uint_eq(fault_of_free(other, chunk + 128), 0);
    unsigned before = fault_count;
    ck_assert_ptr_eq(take_chunk_again(), chunk);
    hak_pool_alloc(other, chunk + 64, PIECE);
    hak_pool_move(pool, chunk + 256, "cache"); /* it may be another one, and new */
    ck_assert_uint_eq(fault_count, before);
    hak_pool_alloc(other, chunk + 64, PIECE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_POOL_DOUBLE_ALLOC);
    hak_pool_move(pool, chunk + 256, "free");
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_POOL_ILLEGAL_MOVE);
    ck_assert_uint_eq(fault_count, before + 2);
}

/* Pieces leave the list from its middle and its ends, and places of ended ones are taken again. */
TEST(the_list_of_a_pool_holds_its_live_pieces) {
    begin();
    hak_pool_redzone(other, 0, 16);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 9; i++)
            take_with_room(i);
        for (int i = round; i < 9; i += 2)
            ck_assert_uint_eq(fault_of_free(other, other + 64 * i + 16), 0);
        size_t listed = 0;
        uint32_t link = hak_pieces_pool((uintptr_t)other)->first;
        for (; link; link = hak_pieces_linked(link)->next) {
            ck_assert(hak_pieces_lives(hak_pieces_linked(link)));
            listed++;
        }
        ck_assert_uint_eq(listed, 9 - (10 - (size_t)round) / 2);
        hak_pool_reset(other);
        ck_assert_uint_eq(hak_pieces_pool((uintptr_t)other)->first, 0);
    }
}

static uint32_t fault_of_move(const void *piece, const char *to) {
    unsigned before = fault_count;
    hak_pool_move(pool, piece, to);
    return fault_count == before ? 0 : last_fault()->fault;
}

TEST(without_a_table_each_move_is_legal) {
    begin();
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "cache"), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_DOUBLE_FREE);
    ck_assert_uint_eq(fault_of_move(pool + 5 * PIECE, "list"), 0);
    ck_assert_uint_eq(fault_of_move(pool + 5 * PIECE, "out"), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + 5 * PIECE), 0);
}

TEST(a_table_says_which_moves_are_legal) {
    begin();
    hak_pool_allow(pool, "free", "cache");
    hak_pool_allow(pool, "cache", "list");
    hak_pool_allow(pool, "cache", "out");
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "cache"), HAK_FAULT_POOL_ILLEGAL_MOVE);
    ck_assert_str_eq(last_fault()->pool.from, "out");
    ck_assert_str_eq(last_fault()->pool.to, "cache");
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)pool + PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "list"), HAK_FAULT_POOL_ILLEGAL_MOVE);
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "nowhere"), HAK_FAULT_POOL_ILLEGAL_MOVE);
    ck_assert_str_eq(last_fault()->pool.to, "nowhere");
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "cache"), 0);
    unsigned before = fault_count;
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_count, before);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "cache"), 0);
    ck_assert_uint_eq(fault_of_move(pool + PIECE, "list"), 0);
    before = fault_count;
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_count, before + 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_POOL_ILLEGAL_MOVE);
    ck_assert_str_eq(last_fault()->pool.from, "list");
    ck_assert_str_eq(last_fault()->pool.to, "out");
}

/* The pool uses the room while it has the piece. */
TEST(a_move_out_fills_no_room) {
    begin();
    hak_pool_redzone(other, 8, 16);
    char *piece = take_with_room(0);
    ck_assert_uint_eq(fault_of_free(other, piece), 0);
    hak_pool_move(other, piece, "cache");
    memset(other, 0, 64);
    unsigned before = fault_count;
    hak_pool_move(other, piece, "out");
    hak_pool_reset_outside(other, piece, PIECE);
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY), 0);
    ck_assert_uint_eq(fault_of_free(other, piece), 0);
    ck_assert_uint_eq(fault_count, before);
}

TEST(an_address_that_is_no_piece_is_new) {
    begin();
    hak_pool_allow(pool, "free", "cache");
    hak_pool_allow(pool, "new", "list");
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_move(pool + PIECE + 8, "cache"), HAK_FAULT_POOL_ILLEGAL_MOVE);
    ck_assert_str_eq(last_fault()->pool.from, "new");
    ck_assert_int_eq(last_fault()->offset, 8);
    ck_assert_uint_eq(fault_of_move(pool + 5 * PIECE, "list"), 0);
    ck_assert_uint_eq(fault_of_move(pool + 5 * PIECE, "list"), HAK_FAULT_POOL_ILLEGAL_MOVE);
    hak_pool_reset(pool);
    ck_assert_uint_eq(fault_of_move(pool + 5 * PIECE, "cache"), 0);
}

TEST(calls_are_recorded_by_the_number_of_the_pool) {
    begin();
    uint32_t number = hak_pieces_pool((uintptr_t)pool)->number;
    unsigned before = event_count;
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    hak_pool_reset(pool);
    ck_assert_uint_eq(event_count, before + 2);
    struct hak_event_fields freed = events[before % NOTED_EVENTS];
    ck_assert_uint_eq(freed.kind, HAK_PIECE_FREE);
    ck_assert_uint_eq(freed.address, (uintptr_t)pool + PIECE);
    ck_assert_uint_eq(freed.size, PIECE);
    ck_assert_uint_eq(freed.record_count, number);
    ck_assert_uint_eq(freed.stack, STACK_OF_END);
    ck_assert_uint_eq(events[(before + 1) % NOTED_EVENTS].kind, HAK_POOL_RESET);
    ck_assert_uint_eq(events[(before + 1) % NOTED_EVENTS].address, (uintptr_t)pool);
    ck_assert_uint_eq(events[(before + 1) % NOTED_EVENTS].size, 0);
    hak_pool_reset_outside(pool, pool + PIECE, 2 * PIECE);
    ck_assert_uint_eq(last_event().kind, HAK_POOL_RESET);
    ck_assert_uint_eq(last_event().address, (uintptr_t)pool + PIECE);
    ck_assert_uint_eq(last_event().size, 2 * PIECE);
    ck_assert_uint_eq(event_count, before + 3);
    hak_pool_alloc(pool + 1, pool + PIECE, PIECE); /* of no pool */
    ck_assert_uint_eq(event_count, before + 3);
}

/* While recording is stopped: the end of a recorded life is recorded, and a life that begins is
 * not, nor its end; behind the start all is. */
TEST(the_ends_of_recorded_lives_are_recorded_while_it_is_stopped) {
    begin();
    atomic_store(&hak_control.is_stopped, 1);
    unsigned before = event_count;
    hak_pool_alloc(pool, pool + 2 * PIECE, PIECE);
    hak_pool_alloc(pool, pool + 3 * PIECE, PIECE);
    hak_pool_free(pool, pool + 2 * PIECE);
    ck_assert_uint_eq(event_count, before);
    hak_pool_free(pool, pool + PIECE);
    ck_assert_uint_eq(event_count, before + 1);
    ck_assert_uint_eq(last_event().address, (uintptr_t)pool + PIECE);
    hak_pool_move(pool, pool + PIECE, "cache");
    ck_assert_uint_eq(event_count, before + 2); /* the place's name */
    ck_assert_uint_eq(last_event().kind, HAK_POOL_PLACE);
    hak_pool_reset(pool);
    ck_assert_uint_eq(last_event().kind, HAK_POOL_RESET);
    atomic_store(&hak_control.is_stopped, 0);
    before = event_count;
    hak_pool_alloc(other, other + PIECE, PIECE);
    hak_pool_alloc(pool, pool + 3 * PIECE, PIECE);
    atomic_store(&hak_control.is_stopped, 1);
    hak_pool_alloc(other, other + PIECE, PIECE); /* ends a recorded one */
    hak_pool_move(pool, pool + 3 * PIECE, "cache");
    ck_assert_uint_eq(event_count, before + 4);
    hak_pool_move(pool, pool + 3 * PIECE, "out"); /* begins one */
    ck_assert_uint_eq(event_count, before + 4);
    atomic_store(&hak_control.is_stopped, 0);
    hak_pool_free(pool, pool + 3 * PIECE); /* of a life that is not known */
    ck_assert_uint_eq(event_count, before + 5);
}

/* ---- pieces in a piece -------------------------------------------------------------------------
 */

TEST(a_free_of_an_auto_free_pool_is_that_of_the_pieces_inside) {
    begin();
    hak_pool_auto_free(pool);
    hak_pool_alloc(pool, pool + 1024, 512);
    for (int i = -1; i <= 32; i++)
        hak_pool_alloc(malloc_like, pool + 1024 + i * PIECE, PIECE);
    hak_pool_alloc(malloc_like, pool + 1024 + 8, PIECE * 2);
    hak_pool_alloc(malloc_like, pool + 1024 + 500, PIECE); /* lies there in part */
    ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024 + 2 * PIECE), 0);
    unsigned before = event_count;
    ck_assert_uint_eq(fault_of_free(pool, pool + 1024), 0);
    ck_assert_uint_eq(event_count, before + 33);
    ck_assert_uint_eq(last_event().address, (uintptr_t)pool + 1024);
    for (int i = 0; i < 32; i++) {
        ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024 + i * PIECE),
                          HAK_FAULT_POOL_DOUBLE_FREE);
        ck_assert_uint_eq(last_fault()->free_stack, STACK_OF_END);
    }
    ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024 + 8), HAK_FAULT_POOL_DOUBLE_FREE);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024 + 500), 0);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024 - PIECE), 0);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024 + 32 * PIECE), 0);
    hak_pool_alloc(other, pool + 1024, 512);
    hak_pool_alloc(malloc_like, pool + 1024, PIECE);
    ck_assert_uint_eq(fault_of_free(other, pool + 1024), 0);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool + 1024), 0);
}

/* ---- memory that goes --------------------------------------------------------------------------
 */

/* As munmap does (tree/mappings.c). */
static void unmap(const char *from, size_t bytes) {
    hak_pieces_unmap((uintptr_t)from, bytes);
}

static bool is_judged(const char *piece) {
    ck_assert(hak_pieces_lock());
    bool is_whole = hak_pieces_has_its_block(
        hak_pieces_find_own((uintptr_t)piece, hak_pieces_pool((uintptr_t)other)));
    hak_pieces_unlock();
    return is_whole;
}

/* Pieces at 64, 4,160, ... of 48 bytes, with 16 of room; those from `first` to `last` lie in the
 * range. */
static void expect_unmapped(size_t from, size_t bytes, int first, int last) {
    enum { PIECES = 6, STEP = 4096 };
    static char memory[PIECES * STEP] __attribute__((aligned(4096)));
    begin();
    hak_pool_redzone(other, 16, 16);
    for (int i = 0; i < PIECES; i++)
        hak_pool_alloc(other, memory + i * STEP + 64, 48);
    unmap(memory + from, bytes);
    for (int i = 0; i < PIECES; i++)
        ck_assert_int_eq(is_judged(memory + i * STEP + 64), i < first || i > last);
    for (int i = 0; i < PIECES; i++)
        memory[i * STEP + 63] = 0;
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY),
                      (size_t)(PIECES - (last < first ? 0 : last - first + 1)));
}

TEST(pieces_of_unmapped_memory_are_not_judged) {
    expect_unmapped(4096, 2 * 4096, 1, 2);
    expect_unmapped(0, 6 * 4096, 0, 5);
    expect_unmapped(0, (size_t)1 << 46, 0, 5); /* by a walk over all pieces */
    expect_unmapped(64 + 48 + 16, 4096 - 64 - 48 - 16 + 48, 1, 0);
    expect_unmapped(64 + 48 + 15, 1, 0, 0);
    expect_unmapped(4096 + 48, 1, 1, 1);
    expect_unmapped(4096 + 47, 1, 1, 0);
    expect_unmapped(2 * 4096 + 70, 1, 2, 2);
    expect_unmapped(0, 0, 1, 0);
}

/* One of many pages whose end goes, and one that is handed out anew there. */
TEST(a_large_piece_goes_with_its_last_page) {
    begin();
    char *large = (char *)((uintptr_t)other + ((uintptr_t)1 << 36));
    hak_pool_alloc(other, large, (size_t)1 << 32);
    unmap(large + ((size_t)1 << 32) - 1, 4096);
    ck_assert(!is_judged(large));
    hak_pool_alloc(other, large, (size_t)1 << 32);
    ck_assert(is_judged(large));
    unmap(large + ((size_t)1 << 32), 4096);
    ck_assert(is_judged(large));
}

static unsigned records_in_order;

static void note_lock(void) {
    if (!hak_pieces_are_still())
        records_in_order++;
}

/* No other thread's call comes between what a call does and its record. */
TEST(each_call_is_recorded_before_another_one_begins) {
    begin();
    unsigned before = event_count;
    when_recorded = note_lock;
    hak_pool_alloc(pool, pool + 2 * PIECE, PIECE);
    hak_pool_free(pool, pool + PIECE);
    hak_pool_allow(pool, "free", "cache");
    hak_pool_move(pool, pool + PIECE, "cache");
    hak_pool_reset(pool);
    hak_pool_rebase(other, pool); /* ends the one there */
    hak_pool_create(other, "again");
    hak_pool_create(other, "anew");
    hak_pool_destroy(other);
    hak_pool_alloc(malloc_like, pool + 4 * PIECE, PIECE);
    when_recorded = NULL;
    ck_assert_uint_eq(event_count, before + 12);
    ck_assert_uint_eq(records_in_order, event_count - before);
}

/* A handler that interrupts a call of its own thread: its call is missed, and nothing is said from
 * then on. */
TEST(a_call_in_a_handler_is_missed) {
    begin();
    ck_assert(hak_pieces_lock());
    hak_pool_alloc(pool, pool + 2 * PIECE, PIECE);
    ck_assert(hak_pieces_missed());
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 1);
    hak_pieces_unlock();
    ck_assert_uint_eq(fault_of_free(pool, pool + 2 * PIECE), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
}

static void *hold_lock(void *context) {
    ck_assert(hak_pieces_lock());
    return context;
}

/* All is forgotten in the child of a fork then: its own pools know nothing of the parent's. */
TEST(the_child_accuses_nobody_for_what_the_parent_had) {
    pthread_t holder;
    begin();
    ck_assert_int_eq(pthread_create(&holder, NULL, hold_lock, NULL), 0);
    ck_assert_int_eq(pthread_join(holder, NULL), 0);
    hak_pieces_fork_child();
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_MISSED], 0); /* it may make no call */
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 0);
    hak_pool_reset(pool);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 1);
    hak_pool_create(pool, "pool");
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 1);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_DOUBLE_FREE);
}

/* Of `bytes` at `from` in `pool`, the pieces at the offsets named are kept, whole. */
static void expect_kept(size_t from, size_t bytes, unsigned first_kept, unsigned last_kept) {
    begin();
    for (unsigned i = 0; i < 20; i++)
        hak_pool_alloc(pool, pool + i * PIECE, PIECE);
    hak_pool_reset_outside(pool, pool + from, bytes);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_uint_eq(fault_of_free(pool, pool + i * PIECE),
                          i >= first_kept && i <= last_kept ? 0 : HAK_FAULT_POOL_USE_AFTER_RESET);
}

TEST(a_reset_spares_a_range) {
    expect_kept(4 * PIECE, 2 * PIECE, 4, 5);
    expect_kept(4 * PIECE - 1, 2 * PIECE + 2, 3, 6);
    expect_kept(4 * PIECE + 3, 1, 4, 4);
    expect_kept(0, (size_t)1 << 40, 0, 19); /* by a walk over all pieces */
    expect_kept(5 * PIECE, (size_t)1 << 40, 5, 19);
    expect_kept(0, 0, 1, 0);
    expect_kept(2000, 1, 1, 0);
}

/* Pieces far from each other, by a walk over all; the next reset looks near the one that is left.
 */
TEST(a_reset_spares_pieces_that_lie_far_apart) {
    begin();
    char *far = (char *)((uintptr_t)pool + ((uintptr_t)1 << 36) + 3);
    hak_pool_alloc(pool, far, (size_t)1 << 30);
    hak_pool_alloc(pool, pool + 8 * PIECE, PIECE);
    hak_pool_reset_outside(pool, far + 100, (size_t)1 << 31);
    ck_assert_uint_eq(fault_of_free(pool, pool + 8 * PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
    hak_pool_alloc(pool, pool + 9 * PIECE, PIECE);
    hak_pool_reset_outside(pool, pool, (size_t)1 << 40);
    ck_assert_uint_eq(fault_of_free(pool, pool + 9 * PIECE), 0);
    hak_pool_reset_outside(pool, far + ((size_t)1 << 30) - 1, 1);
    ck_assert_uint_eq(fault_of_free(pool, far), 0);
    ck_assert_uint_eq(fault_of_free(pool, far), HAK_FAULT_POOL_DOUBLE_FREE);
}

/* A large piece that has ended makes no later reset look further. */
TEST(a_whole_reset_ends_the_reach_of_a_pool) {
    begin();
    hak_pool_alloc(pool, pool + 1, (size_t)1 << 30);
    hak_pool_reset(pool);
    ck_assert_uint_eq(hak_pieces_pool((uintptr_t)pool)->reach.bits, 0);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    hak_pool_alloc(pool, pool + 4 * PIECE, PIECE);
    hak_pool_reset_outside(pool, pool + PIECE, PIECE);
    struct hak_pool_reach reach = hak_pieces_pool((uintptr_t)pool)->reach;
    ck_assert_uint_eq(reach.lowest, (uintptr_t)pool + PIECE);
    ck_assert_uint_eq(reach.highest, (uintptr_t)pool + PIECE);
    ck_assert_uint_eq(reach.largest_bytes, PIECE);
    hak_pool_reset_outside(pool, pool + 2 * PIECE, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
}

/* Freed pieces, and those of a reset before, stay what they are. */
TEST(a_reset_that_spares_revives_nothing) {
    begin();
    hak_pool_alloc(pool, pool, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool), 0);
    hak_pool_reset_outside(pool, pool, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool), HAK_FAULT_POOL_DOUBLE_FREE);
    hak_pool_reset_outside(pool, pool, 100);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
}

/* Room around pieces that a reset spares is compared from then on as before. */
TEST(spared_pieces_keep_their_room) {
    begin();
    hak_pool_redzone(other, 8, 16);
    char *piece[4];
    for (int i = 0; i < 4; i++)
        piece[i] = take_with_room(i);
    hak_pool_reset_outside(other, piece[1], 64 + PIECE);
    piece[0][PIECE]++; /* it is over */
    piece[2][PIECE]++;
    ck_assert_uint_eq(hak_redzone_sweep(HAK_FOUND_BY_VERIFY), 1);
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)piece[2]);
    piece[1][PIECE]++;
    ck_assert_uint_eq(fault_of_free(other, piece[1]), HAK_FAULT_POOL_OVERFLOW);
    hak_pool_reset(other);
    ck_assert_uint_eq(hak_pieces_pool((uintptr_t)other)->first, 0);
}

TEST(a_pool_may_move) {
    static char third[1];
    begin();
    for (int i = 0; i < 5000; i++) { /* there and back, more often than there are pools */
        hak_pool_rebase(pool, third);
        ck_assert_int_eq(hak_pool_exists(pool), 0);
        ck_assert_int_eq(hak_pool_exists(third), 1);
        hak_pool_rebase(third, pool);
    }
    ck_assert_uint_eq(hak_pieces_lost(), 0);
    hak_pool_rebase(pool, pool);
    hak_pool_rebase(pool, third);
    hak_pool_create(pool, "new");
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_MISMATCH);
    ck_assert_str_eq(last_fault()->pool.other_name, "pool");
    ck_assert_uint_eq(fault_of_free(third, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(third, pool + PIECE), HAK_FAULT_POOL_DOUBLE_FREE);
    hak_pool_alloc(third, third, 1);
    hak_pool_create(third, "over it"); /* the one that moved here is forgotten */
    ck_assert_uint_eq(fault_of_free(third, third), HAK_FAULT_POOL_BAD_FREE);
    hak_pool_destroy(third);
    ck_assert_int_eq(hak_pool_exists(third), 0);
    hak_pool_rebase(other, third);
    hak_pool_destroy(third);
    ck_assert_uint_eq(fault_of_free(third, third), HAK_FAULT_POOL_USE_AFTER_RESET);
}

/* No call names it by its old address any more. */
TEST(a_pool_that_moves_without_room_is_forgotten) {
    begin();
    uintptr_t from = (uintptr_t)1 << 40;
    for (uintptr_t i = 0; i < 1 << 16; i++)
        hak_pool_create((void *)(from + i * PIECE), "many");
    hak_pool_rebase(pool, (void *)(2 * from));
    ck_assert_int_eq(hak_pool_exists(pool), 0);
    ck_assert_int_eq(hak_pool_exists((void *)(2 * from)), 0);
    ck_assert(!hak_pieces_lives(hak_pieces_find((uintptr_t)pool + PIECE, 0)));
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
}

/* As by destroy and create, which is how some programs reset. */
TEST(a_piece_of_a_former_pool_is_known) {
    begin();
    for (int i = 0; i < 3; i++) {
        hak_pool_destroy(pool);
        hak_pool_create(pool, i ? "third" : "second");
        ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
        ck_assert_uint_eq(last_fault()->pool.end, HAK_POOL_WAS_DESTROYED);
        ck_assert_uint_eq(last_fault()->free_stack, i ? 0 : STACK_OF_END);
        ck_assert_uint_eq(last_fault()->alloc_stack, STACK_OF_ALLOC);
    }
    ck_assert_str_eq(last_fault()->pool.other_name, "third");
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    hak_pool_alloc(pool, pool + PIECE, PIECE);
    hak_pool_create(pool, "without a destroy");
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), HAK_FAULT_POOL_BAD_FREE);
}

/* Also where its address is that of the live piece that the pool lies in. */
TEST(a_piece_of_a_former_pool_hides_behind_its_memory) {
    begin();
    hak_pool_alloc(other, pool + PIECE, 1);
    hak_pool_destroy(other);
    hak_pool_create(other, "second");
    ck_assert_uint_eq(fault_of_free(other, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
    ck_assert_str_eq(last_fault()->pool.other_name, "other");
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(other, pool + PIECE), HAK_FAULT_POOL_USE_AFTER_RESET);
}

TEST(blocks_without_a_pool_have_one) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool), 0);
    hak_pool_alloc(malloc_like, pool, PIECE);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool), 0);
    ck_assert_uint_eq(fault_of_free(malloc_like, pool), HAK_FAULT_POOL_DOUBLE_FREE);
    ck_assert_str_eq(last_fault()->pool.name, "malloc-like");
    ck_assert_uint_eq(fault_of_free(malloc_like, other), HAK_FAULT_POOL_BAD_FREE);
}

static struct hak_large guarded[2];
static unsigned closed_count;

/* Another thread frees the other block meanwhile, by a pool that nobody knows. */
static void free_the_other(struct hak_large *block) {
    struct hak_large *of_it = block == &guarded[0] ? &guarded[1] : &guarded[0];
    struct hak_pool_call call =
        HAK_POOL_CALL("hak_pool_free_guarded", pool + 1, of_it->base.p, HAK_FREE);
    ck_assert_int_eq(hak_pool_give(&call, of_it, true), HAK_POOL_GIVEN);
    closed_count++;
}

TEST(a_block_of_a_destroyed_pool_is_closed_once) {
    char name[HAK_POOL_NAME];
    begin();
    for (unsigned i = 0; i < 2; i++) {
        guarded[i] = (struct hak_large){.base = base_from(other + 256 * i), .asked_bytes = PIECE};
        struct hak_pool_call call =
            HAK_POOL_CALL("hak_pool_alloc_guarded", pool, guarded[i].base.p, HAK_MALLOC);
        ck_assert(hak_pool_add_guarded(&call, &guarded[i], name));
    }
    hak_pool_close_block = free_the_other;
    hak_pool_destroy(pool);
    ck_assert_uint_eq(closed_count, 2);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(an_unknown_pool_has_no_faults) {
    begin();
    ck_assert_uint_eq(fault_of_free(pool + 1, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(NULL, pool + PIECE), 0);
    ck_assert_uint_eq(fault_of_free(pool, NULL), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + PIECE), 0);
}

/* Live pieces fill their places, and all of them are found. The others are counted, and nobody
 * calls them no pieces. */
TEST(pieces_without_room_are_counted) {
    enum { MANY = 3 << 20 };
    begin();
    uintptr_t from = (uintptr_t)1 << 40;
    ck_assert_uint_eq(hak_pieces_lost(), 0);
    for (uintptr_t i = 0; i < MANY; i++)
        hak_pool_alloc(pool, (void *)(from + i * PIECE), PIECE);
    ck_assert_uint_gt(hak_pieces_lost(), MANY / 2);
    ck_assert_uint_lt(hak_pieces_lost(), MANY - MANY / 4);
    for (uintptr_t i = 0; i < MANY; i++)
        ck_assert_uint_eq(fault_of_free(pool, (void *)(from + i * PIECE)), 0);
    uint64_t lost = hak_pieces_lost(), known = 0;
    for (uintptr_t i = 0; i < MANY; i++)
        known += fault_of_free(pool, (void *)(from + i * PIECE)) == HAK_FAULT_POOL_DOUBLE_FREE;
    ck_assert_uint_eq(known, MANY - lost);
    for (uintptr_t i = 0; i < 1000; i++) /* in the places of freed ones */
        hak_pool_alloc(pool, (void *)(2 * from + i * PIECE), PIECE);
    ck_assert_uint_eq(hak_pieces_lost(), lost);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_PIECE_MISSED], lost);
    ck_assert_uint_eq(amount_counted[HAK_COUNTED_PIECE_MISSED], lost * PIECE);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_MISSED], 0);
}

/* A pool without room is counted at its create, and a piece at each hand-out, not at its moves. */
TEST(what_has_no_room_is_counted_once) {
    enum { POOLS = 6000, MANY = 1 << 20 };
    static char of[POOLS];
    begin();
    for (int i = 0; i < POOLS; i++)
        hak_pool_create(&of[i], "one of many");
    uint64_t known = 0;
    for (int i = 0; i < POOLS; i++)
        known += (uint64_t)hak_pool_exists(&of[i]);
    ck_assert_uint_eq(amount_counted[HAK_COUNTED_POOL_MISSED], POOLS - known);
    ck_assert_uint_gt(POOLS - known, 1800);
    uintptr_t from = (uintptr_t)1 << 40, i = 0;
    for (; i < MANY && !times_counted[HAK_COUNTED_PIECE_MISSED]; i++)
        hak_pool_alloc(pool, (void *)(from + i * PIECE), PIECE);
    const void *lost = (void *)(from + (i - 1) * PIECE);
    hak_pool_move(pool, lost, "list");
    hak_pool_move(pool, lost, "out");
    ck_assert_uint_eq(times_counted[HAK_COUNTED_PIECE_MISSED], 1);
    hak_pool_alloc(pool, lost, PIECE);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_PIECE_MISSED], 2);
}

/* The malloc-like pool is made by its first piece: without room it is counted once, then each call.
 */
TEST(a_malloc_like_pool_without_room_is_counted_once) {
    enum { MANY = 1 << 20 };
    static char of[MANY];
    begin();
    for (int i = 0; i < MANY; i++) /* no place is left for any */
        hak_pool_create(&of[i], "one of many");
    uint64_t missed = amount_counted[HAK_COUNTED_POOL_MISSED];
    for (unsigned i = 0; i < 100; i++)
        hak_pool_alloc(malloc_like, pool + i * PIECE, PIECE);
    ck_assert_uint_eq(amount_counted[HAK_COUNTED_POOL_MISSED], missed + 1);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 99);
    hak_pool_free(malloc_like, pool);
    hak_pool_move(malloc_like, pool + PIECE, "list");
    hak_pool_reset(malloc_like);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 102);
    ck_assert_uint_eq(amount_counted[HAK_COUNTED_POOL_MISSED], missed + 1);
}

/* Before any piece of it there was nothing to be kept. */
TEST(a_call_for_a_malloc_like_pool_that_is_not_made_yet_is_not_missed) {
    begin();
    hak_pool_free(malloc_like, pool);
    hak_pool_reset(malloc_like);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_POOL_CALL_MISSED], 0);
}

/* A few pieces without room hide no others. */
TEST(a_lost_piece_hides_itself_alone) {
    enum { MANY = 1 << 20 };
    begin();
    uintptr_t from = (uintptr_t)1 << 40, i = 0;
    for (; i < MANY && hak_pieces_lost() == 0; i++)
        hak_pool_alloc(pool, (void *)(from + i * PIECE), PIECE);
    ck_assert_uint_eq(hak_pieces_lost(), 1);
    ck_assert_uint_eq(fault_of_free(pool, (void *)(from + (i - 1) * PIECE)), 0);
    ck_assert_uint_eq(fault_of_free(pool, pool + 5 * PIECE), HAK_FAULT_POOL_BAD_FREE);
}

RUN_TESTS()

/* Pairs of calls that may take and give back a block: the whole table, sizes and alignments. */
#include "world.h"

enum { TAKEN = 8, GIVEN = 16 };

/* In words of the standard: families of each call, 'c', 'n' (new), 'a' (new[]); a blank is no call.
 * Upper case: the form that takes an alignment. */
static const char taken_family[] = "ccccnaNA";
static const char given_family[] = "c   cc  nanaNANA";
static const char names_size[] = "0000110000110011";

static user_t take(unsigned slot, unsigned subkind, size_t bytes, size_t alignment) {
    base_t block = slot_at(3, slot);
    struct hak_hand_out how = {.asked_bytes = bytes,
                               .alignment = alignment,
                               .class_index = HAK_CLASS_OF_1024,
                               .subkind = subkind};
    set_place(block, HAK_PLACE_FRONT);
    user_t user = hak_check_hand_out(block, &how);
    forget_events();
    return user;
}

static size_t alignment_of(unsigned subkind) {
    return subkind == HAK_BY_ALIGNED || subkind >= HAK_BY_NEW_ALIGNED ? 64 : 0;
}

/* Gives it back as the call `by` does, with what it claims, and tells the fault, 0 for none. */
static unsigned give(user_t user, unsigned by, size_t bytes, size_t alignment) {
    base_t base;
    forget_events();
    if (by)
        hak_check_claim(user, by, bytes, alignment);
    ck_assert_int_eq(hak_check_pointer(user, hak_free_by(by), &base), HAK_TAKE);
    ck_assert_uint_le(fault_count, 1);
    return fault_count ? last_fault()->fault : 0;
}

static unsigned due(unsigned taken, unsigned given) {
    char made = taken_family[taken], back = given_family[given];
    if ((made | 32) != (back | 32))
        return HAK_FAULT_ALLOC_DEALLOC_MISMATCH;
    return made == back ? 0 : HAK_FAULT_NEW_DELETE_TYPE_MISMATCH;
}

TEST(each_call_against_each_call, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    for (unsigned taken = 0; taken < TAKEN; taken++)
        for (unsigned given = 0; given < GIVEN; given++) {
            if (given_family[given] == ' ')
                continue;
            user_t user = take(taken, taken, 100, alignment_of(taken));
            ck_assert_msg(give(user, given, 100, 64) ==
                              /* free_aligned_sized says 64, and malloc was not asked for that */
                              (given == HAK_GIVEN_BY_FREE_ALIGNED_SIZED && taken < HAK_BY_NEW &&
                                       taken != HAK_BY_ALIGNED
                                   ? HAK_FAULT_NEW_DELETE_TYPE_MISMATCH
                                   : due(taken, given)),
                          "made by %u, given back by %u: fault %u", taken, given,
                          fault_count ? last_fault()->fault : 0);
            if (fault_count) {
                ck_assert_uint_eq(last_fault()->subkind, taken | given << 8);
                ck_assert_uint_eq(last_fault()->kind, HAK_FREE);
                ck_assert_uint_eq(last_fault()->found_address, user_address(user));
            }
        }
}

TEST(realloc_is_of_the_family_of_malloc) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    for (unsigned taken = 0; taken < TAKEN; taken++) {
        base_t base;
        user_t user = take(taken, taken, 100, alignment_of(taken));
        hak_check_pointer(user, HAK_REALLOC, &base);
        ck_assert_uint_eq(fault_count, taken >= HAK_BY_NEW);
    }
}

TEST(the_size_that_a_call_names_is_the_size_that_was_asked_for, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    for (unsigned taken = 0; taken < TAKEN; taken++)
        for (unsigned given = 0; given < GIVEN; given++) {
            if (given_family[given] == ' ' || due(taken, given) != 0)
                continue;
            size_t alignment = alignment_of(taken);
            if (given == HAK_GIVEN_BY_FREE_ALIGNED_SIZED && taken != HAK_BY_ALIGNED)
                alignment = 16;
            static const size_t said[] = {99, 100, 101, 0, 100 + 65536};
            for (unsigned i = 0; i < sizeof said / sizeof said[0]; i++) {
                user_t user = take(taken, taken, 100, alignment_of(taken));
                bool is_wrong = names_size[given] == '1' && said[i] != 100;
                ck_assert_uint_eq(give(user, given, said[i], alignment),
                                  is_wrong ? HAK_FAULT_NEW_DELETE_TYPE_MISMATCH : 0);
                if (!is_wrong)
                    continue;
                ck_assert_uint_eq(last_fault()->given_bytes, said[i]);
                ck_assert_uint_eq(last_fault()->asked_bytes, 100);
            }
        }
    user_t none = take(0, HAK_BY_NEW, 0, 0);
    ck_assert_uint_eq(give(none, HAK_GIVEN_BY_DELETE_SIZED, 0, 0), 0);
}

TEST(the_alignment_that_a_call_names_is_the_one_that_was_asked_for, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    for (size_t asked = 1; asked <= 512; asked *= 2)
        for (size_t said = 1; said <= 512; said *= 2) {
            user_t user = take(0, HAK_BY_NEW_ALIGNED, 8, asked);
            ck_assert_uint_eq(give(user, HAK_GIVEN_BY_DELETE_ALIGNED, 0, said),
                              asked == said ? 0 : HAK_FAULT_NEW_DELETE_TYPE_MISMATCH);
            if (asked == said)
                continue;
            ck_assert_uint_eq(last_fault()->given_alignment, said);
            ck_assert_uint_eq(last_fault()->asked_alignment, asked > 1 ? asked : 0);
        }
    /* A wrapper may take what needs no alignment from malloc, and say it all the same. */
    user_t user = take(0, HAK_BY_MALLOC, 8, 0);
    ck_assert_uint_eq(give(user, HAK_GIVEN_BY_FREE_ALIGNED_SIZED, 8, 16), 0);
}

TEST(a_size_after_realloc_is_the_new_one) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    user_t user = take(0, HAK_BY_MALLOC, 100, 0);
    hak_check_resize(user, 300);
    ck_assert_uint_eq(give(user, HAK_GIVEN_BY_FREE_SIZED, 300, 0), 0);
}

/* 0: HAKMEM_KINDS=0; 1: level trace. */
TEST(nothing_is_compared_where_it_is_off, .until = 2) {
    make_world(_i ? HAK_CHECK_TRACE : HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.kinds = _i;
    hak_check_kinds_start(false);
    for (unsigned taken = 0; taken < TAKEN; taken++)
        for (unsigned given = 0; given < GIVEN; given++)
            if (given_family[given] != ' ')
                ck_assert_uint_eq(give(take(0, taken, 10, 0), given, 11, 32), 0);
}

/* Its new may be ours and its delete its own, or the other way round. */
TEST(a_program_with_operators_of_its_own_is_not_accused_of_mixing_c_and_cxx) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.kinds = 1;
    hak_check_kinds_start(true);
    ck_assert_uint_eq(give(take(0, HAK_BY_MALLOC, 10, 0), HAK_GIVEN_BY_DELETE, 0, 0), 0);
    ck_assert_uint_eq(give(take(0, HAK_BY_MALLOC, 10, 0), HAK_GIVEN_BY_DELETE_SIZED, 12, 0), 0);
    ck_assert_uint_eq(give(take(0, HAK_BY_NEW, 10, 0), HAK_GIVEN_BY_FREE, 0, 0), 0);
    ck_assert_uint_eq(give(take(0, HAK_BY_NEW_ARRAY, 10, 0), HAK_GIVEN_BY_FREE, 0, 0), 0);
    ck_assert_uint_eq(give(take(0, HAK_BY_NEW_ARRAY, 10, 0), HAK_GIVEN_BY_DELETE, 0, 0),
                      HAK_FAULT_ALLOC_DEALLOC_MISMATCH);
}

static struct hak_fault_facts refuse(char *pointer, unsigned by) {
    base_t base;
    forget_events();
    ck_assert_int_eq(hak_check_pointer(user_from(pointer), hak_free_by(by), &base), HAK_REFUSE);
    ck_assert_uint_eq(fault_count, 1);
    return *last_fault();
}

/* Arrays of objects with destructors begin with their length. */
TEST(the_length_in_front_of_an_array_explains_the_wrong_delete, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    user_t user = take(0, HAK_BY_NEW_ARRAY, 8 + 3 * 24, 0);
    memcpy(user.p, &(size_t){3}, sizeof(size_t));
    ck_assert_uint_eq(refuse(user.p + 8, HAK_GIVEN_BY_DELETE).fault,
                      HAK_FAULT_ALLOC_DEALLOC_MISMATCH);
    ck_assert_int_eq(last_fault()->offset, 8);
    ck_assert_uint_eq(refuse(user.p + 8, HAK_GIVEN_BY_FREE).fault,
                      HAK_FAULT_ALLOC_DEALLOC_MISMATCH);
    ck_assert_uint_eq(refuse(user.p + 8, HAK_GIVEN_BY_DELETE_ARRAY).fault, HAK_FAULT_BAD_FREE);
    ck_assert_uint_eq(refuse(user.p + 16, HAK_GIVEN_BY_DELETE).fault, HAK_FAULT_BAD_FREE);
    memcpy(user.p, &(size_t){7}, sizeof(size_t)); /* does not divide 72 */
    ck_assert_uint_eq(refuse(user.p + 8, HAK_GIVEN_BY_DELETE).fault, HAK_FAULT_BAD_FREE);
    memset(user.p, 0, sizeof(size_t));
    ck_assert_uint_eq(refuse(user.p + 8, HAK_GIVEN_BY_DELETE).fault, HAK_FAULT_BAD_FREE);

    user = take(1, HAK_BY_NEW_ARRAY_ALIGNED, 64 + 2 * 64, 64);
    memcpy(user.p + 56, &(size_t){2}, sizeof(size_t));
    ck_assert_uint_eq(refuse(user.p + 64, HAK_GIVEN_BY_DELETE_ALIGNED).fault,
                      HAK_FAULT_ALLOC_DEALLOC_MISMATCH);

    user = take(2, HAK_BY_MALLOC, 8 + 24, 0);
    memcpy(user.p, &(size_t){1}, sizeof(size_t));
    ck_assert_uint_eq(refuse(user.p + 8, HAK_GIVEN_BY_DELETE).fault, HAK_FAULT_BAD_FREE);
}

TEST(a_delete_of_an_array_that_is_none_comes_before_the_block) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    user_t user = take(0, HAK_BY_NEW, 24, 0);
    ck_assert_uint_eq(refuse(user.p - 8, HAK_GIVEN_BY_DELETE_ARRAY).fault,
                      HAK_FAULT_ALLOC_DEALLOC_MISMATCH);
    ck_assert_int_eq(last_fault()->offset, -8);
    ck_assert_uint_eq(refuse(user.p - 8, HAK_GIVEN_BY_DELETE).fault, HAK_FAULT_BAD_FREE);
}

TEST(large_blocks_have_a_kind_too) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.kinds = 1;
    hak_check_kinds_start(false);
    base_t block = hak_large_take(200000, 0, NULL);
    ck_assert_ptr_nonnull(block.p);
    struct hak_hand_out how = {.asked_bytes = 190000,
                               .alignment = 4096,
                               .class_index = HAK_CLASS_NONE,
                               .subkind = HAK_BY_NEW_ALIGNED};
    user_t user = hak_check_hand_out(block, &how);
    ck_assert_uint_eq(give(user, HAK_GIVEN_BY_DELETE_SIZED_ALIGNED, 190000, 4096), 0);
    ck_assert_uint_eq(give(user, HAK_GIVEN_BY_DELETE_SIZED_ALIGNED, 190001, 4096),
                      HAK_FAULT_NEW_DELETE_TYPE_MISMATCH);
    ck_assert_uint_eq(give(user, HAK_GIVEN_BY_DELETE_ALIGNED, 0, 8192),
                      HAK_FAULT_NEW_DELETE_TYPE_MISMATCH);
    ck_assert_uint_eq(give(user, HAK_GIVEN_BY_FREE, 0, 0), HAK_FAULT_ALLOC_DEALLOC_MISMATCH);
}

RUN_TESTS()

/* Guarded blocks as the program sees them: where their bytes lie, what is found around them, what
 * is recorded of their lives. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include "guard/choose/first_blocks.h"
#include "guard/pages.h"
#include "guard/sweep.h"
#include "guarded/guarded.h"
#include "unit/guard/world.h"

static const void *caller = "here";

static void begin(unsigned layout, unsigned side, unsigned align) {
    make_world(layout == HAK_LAYOUT_HEADER ? HAK_CHECK_NORMAL : HAK_CHECK_TRACE, layout);
    strcpy(hak_options.guard, "all");
    hak_options.guard_side = side;
    hak_options.guard_align = align;
    hak_options.guard_memory_bytes = 16 << 20;
    hak_options.sweep = 1;
    hak_options.quarantine_bytes = 1 << 20;
    hak_options.quarantine_blocks = 8;
    hak_options.poison = 1;
    hak_guard_start();
    memset(times_counted, 0, sizeof times_counted);
}

static user_t take_as(size_t bytes, size_t alignment, enum hak_subkind subkind) {
    struct hak_hand_out how = {.asked_bytes = bytes,
                               .alignment = alignment,
                               .class_index = HAK_CLASS_NONE,
                               .subkind = subkind,
                               .call = &caller};
    base_t base = hak_check_take_guarded(&how);
    return base.p ? hak_check_hand_out(base, &how) : HAK_NO_USER;
}
static user_t take(size_t bytes, size_t alignment) {
    return take_as(bytes, alignment, HAK_BY_MALLOC);
}

/* As entry gives a block back: to its layer, which has nothing to do. */
static enum hak_verdict give(user_t user) {
    base_t base;
    enum hak_verdict verdict = hak_check_pointer(user, HAK_FREE, &base);
    if (verdict == HAK_TAKE) {
        ck_assert_int_eq(hak_check_quarantine(base, HAK_FREE, 1), HAK_NOT_KEPT);
        ck_assert(!hak_check_freed(base, HAK_FREE, HAK_PLACE_LARGE));
    }
    return verdict;
}

static struct hak_located located(user_t user) {
    struct hak_located at;
    ck_assert(hak_locate(user.p, &at) && hak_is_guarded(&at));
    return at;
}

static char *end_of(user_t user) {
    struct hak_located at = located(user);
    return at.base + at.slot_bytes;
}

TEST(the_options_say_whether_blocks_are_guarded) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    ck_assert(hak_check_guards);
    strcpy(hak_options.inject, "offset16:20");
    hak_guard_start();
    ck_assert(!hak_check_guards);
    hak_options.inject[0] = '\0';
    strcpy(hak_options.guard, "off");
    hak_guard_start();
    ck_assert(!hak_check_guards);
}

static const size_t sizes[] = {0,    1,    2,    3,    4,    5,    7,     8,     12,   13,
                               15,   16,   17,   20,   22,   24,   61,    4079,  4080, 4081,
                               4094, 4095, 4096, 4097, 8191, 8192, 32768, 100000};
static const size_t alignments[] = {0, 8, 16, 32, 256, 4096};
enum { SIZES = sizeof sizes / sizeof *sizes, ALIGNMENTS = sizeof alignments / sizeof *alignments };

static size_t least_alignment(size_t bytes, size_t asked, unsigned align) {
    size_t of_size = bytes % 4 == 2 ? 2 : bytes % 8 == 4 ? 4 : bytes % 16 == 8 ? 8 : 16;
    size_t fit = bytes >= 16 ? 16 : bytes >= 8 ? 8 : bytes >= 4 ? 4 : 2;
    if (bytes % 2 == 1 || bytes == 0)
        of_size = 2;
    size_t least = align == HAK_GUARD_ALIGN_1      ? 1
                   : align == HAK_GUARD_ALIGN_16   ? 16
                   : align == HAK_GUARD_ALIGN_SIZE ? of_size
                                                   : fit;
    return asked > least ? asked : least;
}

/* The case says which of the four alignments. */
TEST(a_block_ends_where_its_pages_do, .until = 16) {
    unsigned layout = _i & 1 ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER;
    unsigned align = (unsigned)_i / 4;
    bool is_normal = (_i & 2) || layout == HAK_LAYOUT_HEADER;
    begin(layout, HAK_SIDE_AFTER, align);
    hak_options.check = is_normal ? HAK_CHECK_NORMAL : HAK_CHECK_TRACE;
    for (unsigned s = 0; s < SIZES; s++)
        for (unsigned a = 0; a < ALIGNMENTS; a++) {
            user_t user = take(sizes[s], alignments[a]);
            struct hak_located at = located(user);
            size_t grain = least_alignment(sizes[s], alignments[a], align);
            size_t behind = (size_t)(end_of(user) - user.p) - sizes[s];
            ck_assert_uint_eq(user_address(user) % grain, 0);
            ck_assert_uint_lt(behind, sizes[s] ? grain : grain + 1);
            ck_assert_int_ge(user.p - at.base, is_normal ? 16 : 0);
            ck_assert_int_lt(user.p - at.base, 4096 + 16);
            ck_assert_uint_eq(hak_asked_bytes_of(&at), sizes[s]);
            ck_assert_uint_eq(hak_check_usable(user, 12345), sizes[s]);
            ck_assert_ptr_eq(hak_check_base_of(user).p, at.base);
            size_t last_words = is_normal ? 16 + sizes[s] % 8 : 0; /* border.c */
            for (size_t i = 0; i + last_words < sizes[s]; i++)
                ck_assert(user.p[i] == 0);
            memset(user.p, 1, sizes[s]);
            ck_assert_int_eq(give(user), HAK_TAKE);
        }
    ck_assert_uint_eq(fault_count, 0);
}

static bool is_aligned(user_t user) {
    return user_address(user) % 16 == 0;
}

/* An instruction that wants 16 bytes at a multiple of 16 is refused: those of the block are carried
 * out, and the stack's next blocks are aligned. */
TEST(a_stack_whose_block_must_be_aligned_has_aligned_ones) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_SIZE);
    stack_of_program = STACK_OF_PROGRAM + 77;
    user_t user = take(40, 0), other;
    uintptr_t address = user_address(user);
    ck_assert_uint_eq(address % 16, 8);
    ck_assert(!hak_place_is_less_aligned(address + 8)); /* it would not be with malloc's either */
    ck_assert(!hak_place_is_less_aligned((uintptr_t)&user));
    other = take(40, 0);
    ck_assert(!is_aligned(other));
    ck_assert(hak_place_is_less_aligned(address + 16));
    other = take(40, 0);
    ck_assert(is_aligned(other));
    ck_assert(!hak_place_is_less_aligned(user_address(other) + 1));
    stack_of_program = STACK_OF_PROGRAM + 78;
    ck_assert(!is_aligned(take(40, 0)));
    ck_assert_int_eq(give(user), HAK_TAKE);
    ck_assert(hak_place_is_less_aligned(address));      /* of a freed one: its page stops it */
    ck_assert(hak_place_is_less_aligned(address + 40)); /* the closed page behind it */
    stack_of_program = STACK_OF_PROGRAM;
}

TEST(a_block_is_aligned_where_a_refusal_would_not_be_heard) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_SIZE);
    hears_accesses = false;
    ck_assert(is_aligned(take(40, 0)) && is_aligned(take(22, 0)) && is_aligned(take(13, 8)));
    hears_accesses = true;
    ck_assert(!is_aligned(take(40, 0)) && !is_aligned(take(22, 0)) && !is_aligned(take(13, 0)));
}

TEST(or_begins_where_they_do, .until = 2) {
    unsigned layout = _i & 1 ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER;
    begin(layout, HAK_SIDE_BEFORE, HAK_GUARD_ALIGN_16);
    for (unsigned s = 0; s < SIZES; s++)
        for (unsigned a = 0; a < ALIGNMENTS; a++) {
            user_t user = take(sizes[s], alignments[a]);
            struct hak_located at = located(user);
            ck_assert_ptr_eq(user.p, at.base);
            ck_assert_uint_eq(at.slot_bytes, sizes[s] ? HAK_PAGES_OF(sizes[s]) : 4096);
            ck_assert_uint_eq(hak_check_usable(user, 12345), sizes[s]);
            memset(user.p, 1, sizes[s]);
            ck_assert_int_eq(give(user), HAK_TAKE);
        }
    ck_assert_uint_eq(fault_count, 0);
}

TEST(both_sides_take_turns) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_BOTH, HAK_GUARD_ALIGN_16);
    unsigned before = 0;
    for (unsigned i = 0; i < 10; i++)
        before += located(take(100, 0)).large->guarded_side == HAK_GUARDED_BEFORE;
    ck_assert_uint_eq(before, 5);
}

/* One byte at a time, around a block of 61 bytes: from the first of its pages to the last. */
TEST(a_write_around_a_block_is_found_when_it_is_given_back, .until = 4) {
    begin(HAK_LAYOUT_HEADER, _i & 1 ? HAK_SIDE_BEFORE : HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    if (_i & 2)
        hak_options.layout = HAK_LAYOUT_SAME;
    hak_options.guard_memory_bytes = (size_t)1 << 30;
    for (int offset = -4096; offset < 4096; offset++) {
        user_t user = take(61, 0);
        struct hak_located at = located(user);
        char *written = user.p + offset;
        if (written >= at.base && written < end_of(user) && (offset < 0 || offset >= 61)) {
            *written ^= 1;
            forget_events();
            ck_assert_int_eq(give(user), HAK_TAKE);
            ck_assert_uint_eq(fault_count, 1);
            ck_assert_uint_eq(last_fault()->fault, offset < 0 ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW
                                                              : HAK_FAULT_HEAP_BUFFER_OVERFLOW);
            ck_assert_int_eq(last_fault()->offset, offset);
            ck_assert_uint_eq(last_fault()->damaged_bytes, 1);
        } else {
            ck_assert_int_eq(give(user), HAK_TAKE);
        }
    }
}

TEST(damage_is_mended_once_it_is_told) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    user_t user = take(61, 0);
    base_t base;
    user.p[-1] ^= 1;
    user.p[-3000] ^= 1;
    user.p[62] ^= 1;
    ck_assert_int_eq(hak_check_pointer(user, HAK_REALLOC, &base), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 2);
    ck_assert_int_eq(faults[0].offset, -3000);
    ck_assert_uint_eq(faults[0].damaged_bytes, 2);
    ck_assert_int_eq(faults[1].offset, 62);
    ck_assert_int_eq(give(user), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 2);
}

static void *wait_for(void *end) {
    sem_wait(end);
    return NULL;
}

/* Beside another thread it copies what it compares. */
TEST(a_sweep_finds_it_too, .until = 8) {
    bool is_before = _i & 1, is_alone = _i & 2, has_layout_same = _i & 4;
    pthread_t thread;
    sem_t ended;
    ck_assert_int_eq(sem_init(&ended, 0, 0), 0);
    if (!is_alone)
        ck_assert_int_eq(pthread_create(&thread, NULL, wait_for, &ended), 0);
    begin(HAK_LAYOUT_HEADER, is_before ? HAK_SIDE_BEFORE : HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    if (has_layout_same)
        hak_options.layout = HAK_LAYOUT_SAME;
    user_t whole = take(100, 0), user = take(61, 0);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 0);
    int offset = is_before ? 3000 : -3000;
    user.p[offset] ^= 1;
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 1);
    ck_assert_int_eq(last_fault()->offset, offset);
    ck_assert_uint_eq(last_fault()->user, user_address(user));
    user.p[offset] ^= 1;
    ck_assert_int_eq(give(whole), HAK_TAKE);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 0);
    sem_post(&ended);
    if (!is_alone)
        pthread_join(thread, NULL);
}

/* A quarter of the memory is for stacks that have no block. */
TEST(the_last_quarter_is_for_new_stacks) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    hak_options.guard_memory_bytes = 1 << 20;
    unsigned most = (1 << 20) / 4 * 3 / 4096, count = 0;
    while (take(100, 0).p)
        count++;
    ck_assert_uint_eq(count, most - most / 4 + 1);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_MEMORY], 1);
    for (unsigned i = 0; i < 10; i++) {
        stack_of_program = STACK_OF_PROGRAM + 1 + i;
        ck_assert_ptr_nonnull(take(100, 0).p);
        ck_assert_ptr_null(take(100, 0).p);
    }
}

/* It is no other block of its site, and ends with the credit. */
TEST(a_block_that_moves_stays_guarded) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    strcpy(hak_options.guard, "sites:2");
    hak_guard_start();
    user_t user = take(100, 0);
    struct hak_hand_out how = {.asked_bytes = 200,
                               .class_index = HAK_CLASS_NONE,
                               .subkind = HAK_BY_REALLOC,
                               .moved_from = user,
                               .call = &caller};
    for (unsigned i = 0; i < 5; i++) {
        base_t base = hak_check_take_guarded(&how);
        ck_assert_ptr_nonnull(base.p);
        user = hak_check_hand_out(base, &how);
        ck_assert_int_eq(give(how.moved_from), HAK_TAKE);
        how.moved_from = user;
    }
    ck_assert_ptr_nonnull(take(100, 0).p); /* the second of its site */
    ck_assert_ptr_null(take(100, 0).p);
}

TEST(a_life_is_one_malloc_and_one_free, .until = 2) {
    begin(_i ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_1);
    user_t user = take_as(61, 0, HAK_BY_CALLOC);
    struct hak_located at = located(user);
    struct hak_event_fields e = last_event();
    ck_assert_uint_eq(event_count, 1);
    ck_assert_uint_eq(e.kind, HAK_MALLOC);
    ck_assert_uint_eq(e.place, HAK_PLACE_GUARDED);
    ck_assert_uint_eq(e.subkind, HAK_BY_CALLOC);
    ck_assert_uint_eq(e.address, user_address(user));
    ck_assert_uint_eq(e.delta_bytes, (uintptr_t)(user.p - at.base));
    ck_assert_uint_eq(e.size, 61);
    ck_assert_uint_eq(e.record_count, 1);
    ck_assert_ptr_eq(at.large->caller, caller);
    ck_assert_int_eq(give(user), HAK_TAKE);
    uint32_t epoch = e.epoch;
    e = last_event();
    ck_assert_uint_eq(event_count, 2);
    ck_assert_uint_eq(e.kind, HAK_FREE);
    ck_assert_uint_eq(e.place, HAK_PLACE_GUARDED);
    ck_assert_uint_eq(e.size, 61);
    ck_assert_uint_eq(e.record_count, 2);
    ck_assert_uint_eq(e.epoch, epoch);
    ck_assert_uint_eq(at.slot->place, HAK_PLACE_GUARDED);
    ck_assert_uint_eq(at.slot->free_stack, STACK_OF_PROGRAM);
}

/* A slot's generation goes on over its lives, in which it may end elsewhere. */
TEST(a_slot_is_used_again) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_BOTH, HAK_GUARD_ALIGN_16);
    hak_options.guard_memory_bytes = 1 << 20;
    user_t first = take(61, 0);
    struct hak_located at = located(first);
    ck_assert_int_eq(give(first), HAK_TAKE);
    user_t user = HAK_NO_USER;
    for (unsigned i = 0; i < 5000 && (!user.p || located(user).base != at.base); i++) {
        user = take(100, 0);
        if (located(user).base != at.base)
            ck_assert_int_eq(give(user), HAK_TAKE);
    }
    ck_assert_ptr_eq(located(user).base, at.base);
    ck_assert_uint_eq(last_event().record_count, 3);
    ck_assert_uint_eq(last_event().epoch, at.epoch ? at.epoch : last_event().epoch);
    ck_assert_uint_eq(last_event().size, 100);
    ck_assert_uint_eq(fault_count, 0);
}

/* A program that goes on after a fault has opened it. */
TEST(what_is_written_into_an_opened_block_is_found, .until = 8) {
    bool is_great = _i & 1, is_by_sweep = _i & 2;
    size_t asked = is_great ? 100001 : 61, offset = is_great ? 99990 : 40;
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, _i & 4 ? HAK_GUARD_ALIGN_1 : HAK_GUARD_ALIGN_16);
    hak_options.guard_memory_bytes = 4 << 20;
    user_t user = take(asked, 0);
    struct hak_located at = located(user);
    ck_assert_int_eq(give(user), HAK_TAKE);
    ck_assert(hak_pages_open_at(user_address(user) + 8));
    ck_assert_int_eq((uint8_t)user.p[offset], hak_pattern_byte(hak_word_of(&at, HAK_PATTERN_FREED),
                                                               user_address(user) + offset));
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 0);
    user.p[offset] ^= 1;
    ck_assert(hak_pages_open_at(user_address(user) + 8)); /* by another thread's fault */
    forget_events();
    if (is_by_sweep)
        ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 1);
    for (unsigned i = 0; i < 20000 && at.slot->place != HAK_PLACE_LIVE; i++) {
        user_t other = take(asked, 0);
        if (located(other).base != at.base)
            ck_assert_int_eq(give(other), HAK_TAKE);
    }
    ck_assert_uint_eq(at.slot->place, HAK_PLACE_LIVE);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_int_eq(last_fault()->offset, (int64_t)offset);
    ck_assert_uint_eq(last_fault()->damaged_bytes, 1);
}

TEST(an_opened_block_of_level_light_is_zero) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    hak_options.check = HAK_CHECK_LIGHT;
    user_t user = take(61, 0);
    ck_assert_int_eq(give(user), HAK_TAKE);
    ck_assert(hak_pages_open_at(user_address(user)));
    for (size_t i = 0; i < 61; i++)
        ck_assert_int_eq(user.p[i], 0);
}

/* Other blocks in between change nothing. */
TEST(a_site_has_turns_of_its_own) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_BOTH, HAK_GUARD_ALIGN_16);
    take(100, 0);
    strcpy(hak_options.guard, "sites:4");
    hak_guard_start();
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(located(take(100, 0)).large->guarded_side,
                         i % 2 ? HAK_GUARDED_BEFORE : HAK_GUARDED_AFTER);
    ck_assert_ptr_null(take(100, 0).p);
}

/* The side of the next block of a stack. */
static unsigned side_of_next(unsigned stack) {
    stack_of_program = STACK_OF_PROGRAM + stack;
    unsigned side = located(take(100, 0)).large->guarded_side;
    stack_of_program = STACK_OF_PROGRAM;
    return side;
}

TEST(the_third_of_four_blocks_of_a_site_begins_at_a_closed_page) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AUTO, HAK_GUARD_ALIGN_16);
    ck_assert_int_eq(side_of_next(0), HAK_GUARDED_AFTER);
    strcpy(hak_options.guard, "sites:8");
    hak_guard_start();
    for (unsigned stack = 0; stack < 30; stack++)
        for (unsigned number = 1; number <= 8; number++)
            ck_assert_int_eq(side_of_next(stack),
                             number == 3 || number == 7 ? HAK_GUARDED_BEFORE : HAK_GUARDED_AFTER);
}

/* Each site has turns of its own, from the end on, as long as it lives. */
TEST(each_second_block_of_a_site_begins_at_a_closed_page_with_all) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AUTO, HAK_GUARD_ALIGN_16);
    for (unsigned number = 1; number <= 300; number++) {
        enum hak_guarded_side due = number % 2 ? HAK_GUARDED_AFTER : HAK_GUARDED_BEFORE;
        ck_assert_int_eq(side_of_next(1), due);
        if (number % 3 == 0)
            ck_assert_int_eq(side_of_next(2), number % 2 ? HAK_GUARDED_AFTER : HAK_GUARDED_BEFORE);
    }
}

TEST(a_second_free_is_named, .until = 2) {
    begin(_i ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    user_t user = take(61, 0), live = take(61, 0);
    char *between = end_of(live) + 100;
    ck_assert_int_eq(give(user), HAK_TAKE);
    ck_assert_int_eq(give(user), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_uint_eq(last_fault()->asked_bytes, 61);
    ck_assert_uint_eq(last_fault()->place, HAK_PLACE_GUARDED);
    ck_assert_int_eq(give(user_from(user.p + 8)), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_BAD_FREE);
    ck_assert_int_eq(give(user_from(live.p + 8)), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->memory, HAK_MEMORY_INSIDE_LIVE);
    ck_assert_int_eq(give(user_from(between)), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->memory, HAK_MEMORY_HEAP_INTERNAL);
}

TEST(only_blocks_of_a_stack_that_is_named_are_guarded) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    FILE *file = fopen("named", "w");
    ck_assert_ptr_nonnull(file);
    fputs("hakmem-only 1\nstack from=2\n  0x10 - app\n", file);
    fclose(file);
    strcpy(hak_options.guard, "only:named");
    hak_guard_start();
    ck_assert_int_eq(unlink("named"), 0);
    ck_assert(hak_check_guards);
    places[0] = (struct hak_code_place){.offset = 0x10, .path = "app"};
    place_count = 1;
    ck_assert_ptr_null(take(40, 0).p);
    user_t block = take(40, 0);
    ck_assert_ptr_nonnull(block.p);
    ck_assert_int_eq(give(block), HAK_TAKE);
    strcpy(hak_options.guard, "only:missing");
    hak_guard_start();
    ck_assert(!hak_check_guards);
}

TEST(what_cannot_be_guarded_is_counted) {
    begin(HAK_LAYOUT_HEADER, HAK_SIDE_AFTER, HAK_GUARD_ALIGN_16);
    ck_assert_ptr_null(take(100, 8192).p);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_ALIGNMENT], 1);
    ck_assert_ptr_null(take(5 << 20, 0).p);
    ck_assert_ptr_null(take(PTRDIFF_MAX, 0).p);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_SIZE], 2);
}

RUN_TESTS()

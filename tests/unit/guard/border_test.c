/* A block's way to the program and back: records, state, and every pointer that is not a block. */
#include <pthread.h>
#include <sys/mman.h>
#include "guard/around.h"
#include "guarded/guarded.h"
#include "platform/objects.h"
#include "world.h"

TEST(a_life_is_one_malloc_and_one_free, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    size_t delta = _i == HAK_LAYOUT_HEADER ? 16 : 0;
    base_t block = slot_at(1, 9), base;
    hak_hop_block(HAK_MAGAZINE_FILL, block, HAK_CLASS_OF_48);
    struct hak_hand_out how = {
        .asked_bytes = 24, .class_index = HAK_CLASS_OF_48, .subkind = HAK_BY_CALLOC};
    user_t user = hak_check_hand_out(block, &how);
    struct hak_event_fields e = last_event();
    ck_assert_ptr_eq(user.p, block.p + delta);
    ck_assert_uint_eq(e.kind, HAK_MALLOC);
    ck_assert_uint_eq(e.address, user_address(user));
    ck_assert_uint_eq(e.delta_bytes, delta);
    ck_assert_uint_eq(e.size, 24);
    ck_assert_uint_eq(e.place, HAK_PLACE_MAGAZINE);
    ck_assert_uint_eq(e.subkind, HAK_BY_CALLOC);
    ck_assert_uint_eq(e.stack, STACK_OF_PROGRAM);
    ck_assert_uint_eq(e.record_count, 2);
    ck_assert_uint_eq(e.epoch, heap->slabs[1].epoch);
    ck_assert_uint_eq(state_of(block)->place, HAK_PLACE_LIVE);
    ck_assert_uint_eq(state_of(block)->alloc_stack, STACK_OF_PROGRAM);

    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_ptr_eq(base.p, block.p);
    ck_assert_uint_eq(event_count, 2);
    ck_assert(hak_check_freed(base, HAK_FREE, HAK_PLACE_REMOTE));
    e = last_event();
    ck_assert_uint_eq(e.kind, HAK_FREE);
    ck_assert_uint_eq(e.address, user_address(user));
    ck_assert_uint_eq(e.size, 24);
    ck_assert_uint_eq(e.place, HAK_PLACE_REMOTE);
    ck_assert_uint_eq(e.record_count, 3);
    ck_assert_uint_eq(state_of(block)->place, HAK_PLACE_REMOTE);
    ck_assert_uint_eq(state_of(block)->free_stack, STACK_OF_PROGRAM);
    ck_assert_uint_eq(event_count, 3);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_moving_realloc_names_the_old_block) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    user_t old = hand_out(slot_at(1, 0), 24, 0);
    struct hak_hand_out how = {.asked_bytes = 64,
                               .class_index = HAK_CLASS_OF_64,
                               .subkind = HAK_BY_REALLOC,
                               .moved_from = old};
    set_place(slot_at(2, 0), HAK_PLACE_FRONT);
    hak_check_hand_out(slot_at(2, 0), &how);
    struct hak_event_fields e = last_event();
    ck_assert_uint_eq(e.kind, HAK_REALLOC);
    ck_assert_uint_eq(e.place, HAK_PLACE_FRONT);
    ck_assert_uint_eq(e.old_address, user_address(old));
    ck_assert(hak_check_freed(slot_at(1, 0), HAK_REALLOC_FROM, HAK_PLACE_FRONT));
    ck_assert_uint_eq(last_event().kind, HAK_REALLOC_FROM);
}

static user_t take_guarded(struct hak_hand_out how) {
    how.class_index = HAK_CLASS_NONE;
    struct hak_large *large = hak_guarded_take(
        hak_guarded_bytes(HAK_GUARDED_AFTER, how.asked_bytes, 0), HAK_GUARDED_AFTER, NULL);
    ck_assert_ptr_nonnull(large);
    return hak_check_hand_out(large->base, &how);
}

/* The first byte that holds the word of memory that was never written, and how many do. */
static size_t unwritten_bytes(user_t user, size_t bytes, size_t *first) {
    struct hak_located at;
    size_t count = 0;
    ck_assert(hak_locate(user.p, &at));
    uint64_t word = hak_word_of(&at, HAK_PATTERN_UNWRITTEN);
    for (size_t i = 0; i < bytes; i++) {
        if ((uint8_t)user.p[i] != hak_pattern_byte(word, user_address(user) + i))
            ck_assert_int_eq(user.p[i], 0);
        else if (count++ == 0)
            *first = i;
    }
    return count;
}

TEST(what_a_guarded_block_gets_of_words_never_written) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.guard_memory_bytes = 1 << 20;
    size_t first = 0;
    user_t user = take_guarded((struct hak_hand_out){.asked_bytes = 67});
    ck_assert_uint_eq(unwritten_bytes(user, 67, &first), 19);
    ck_assert_uint_eq(first, 48);
    ck_assert_uint_eq(
        unwritten_bytes(take_guarded((struct hak_hand_out){.asked_bytes = 5}), 5, &first), 5);
    struct hak_hand_out zero = {.asked_bytes = 67, .subkind = HAK_BY_CALLOC};
    ck_assert_uint_eq(unwritten_bytes(take_guarded(zero), 67, &first), 0);

    struct hak_hand_out grown = {.asked_bytes = 200, .subkind = HAK_BY_REALLOC, .moved_from = user};
    user = take_guarded(grown);
    ck_assert_uint_eq(unwritten_bytes(user, 200, &first), 200 - 67);
    ck_assert_uint_eq(first, 67);
    struct hak_hand_out shrunk = {
        .asked_bytes = 100, .subkind = HAK_BY_REALLOC, .moved_from = user};
    ck_assert_uint_eq(unwritten_bytes(take_guarded(shrunk), 100, &first), 0);
    struct hak_hand_out great = {
        .asked_bytes = 100000, .subkind = HAK_BY_REALLOC, .moved_from = user};
    ck_assert_uint_eq(unwritten_bytes(take_guarded(great), 100000, &first), 4096);
}

TEST(only_a_free_block_is_handed_out, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    const unsigned allowed =
        1u << HAK_PLACE_FRONT | 1u << HAK_PLACE_MAGAZINE | 1u << HAK_PLACE_SLL |
        1u << HAK_PLACE_LARGE | 1u << HAK_PLACE_ULTRAHOT | 1u << HAK_PLACE_HEAPV2 |
        1u << HAK_PLACE_FC | 1u << HAK_PLACE_SFC | 1u << HAK_PLACE_RING | 1u << HAK_PLACE_MID_RING |
        1u << HAK_PLACE_SMALLMID | 1u << HAK_PLACE_GUARDED | 1u << HAK_PLACE_KEPT;
    for (unsigned kind = HAK_BY_MALLOC; kind <= HAK_BY_REALLOC; kind++)
        for (unsigned place = 0; place < HAK_PLACE_COUNT; place++) {
            struct hak_hand_out how = {
                .asked_bytes = 8, .class_index = HAK_CLASS_OF_48, .subkind = kind};
            forget_events();
            set_place(slot_at(1, place), place);
            hak_check_hand_out(slot_at(1, place), &how);
            ck_assert_uint_eq(fault_count, !(allowed >> place & 1));
            if (fault_count)
                ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRONG_LAYER_MOVE);
        }
    struct hak_hand_out how = {.asked_bytes = 8, .class_index = HAK_CLASS_OF_64};
    set_place(slot_at(1, 0), HAK_PLACE_FRONT);
    hak_check_hand_out(slot_at(1, 0), &how);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_CLASS_MISMATCH);
    set_place(slot_at(1, 1), HAK_PLACE_FRONT);
    how.class_index = HAK_CLASS_OF_48;
    hak_check_hand_out(base_from(slot_at(1, 1).p + 16), &how);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRONG_LAYER_MOVE);
    ck_assert_int_eq(last_fault()->offset, 16);
}

static struct hak_fault_facts refuse(char *pointer, enum hak_record_kind kind) {
    base_t base;
    forget_events();
    ck_assert_int_eq(hak_check_pointer(user_from(pointer), kind, &base), HAK_REFUSE);
    ck_assert_uint_eq(event_count, 1);
    ck_assert_uint_eq(last_event().kind, kind);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert_uint_eq(last_event().address, (uintptr_t)pointer);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->kind, kind);
    ck_assert_uint_eq(last_fault()->found_address, (uintptr_t)pointer);
    return *last_fault();
}

TEST(a_second_free_is_a_double_free_wherever_the_block_is, .until = 4) {
    unsigned layout = _i & 1 ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER;
    make_world(_i & 2 ? HAK_CHECK_TRACE : HAK_CHECK_NORMAL, layout);
    for (unsigned place = 0; place < HAK_PLACE_COUNT; place++) {
        if (place == HAK_PLACE_LIVE)
            continue;
        user_t user = hand_out(slot_at(3, place), 100, place & 1 ? 64 : 0);
        set_place(slot_at(3, place), place);
        struct hak_fault_facts facts = refuse(user.p, HAK_FREE);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_DOUBLE_FREE);
        ck_assert_int_eq(facts.offset, 0);
        ck_assert_uint_eq(facts.user, user_address(user));
        ck_assert_uint_eq(facts.place, place);
        ck_assert_uint_eq(facts.memory, HAK_MEMORY_SLOT_START);
        ck_assert_uint_eq(refuse(user.p, HAK_REALLOC).fault, HAK_FAULT_DOUBLE_FREE);
    }
}

static base_t freed_meanwhile;
static char *page_of_border;

static void free_and_open_page(int number) {
    (void)number;
    set_place(freed_meanwhile, HAK_PLACE_MAGAZINE);
    if (!hak_allow_writes(page_of_border, HAK_PAGE_BYTES))
        _exit(99);
}

/* The bytes around a block are looked at, and another thread frees it at that moment: what it wrote
 * there is no damage. The look at a closed page is that moment. */
TEST(a_block_that_is_freed_while_it_is_looked_at_is_a_double_free) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    freed_meanwhile = slot_at(3, 8);
    user_t user = hand_out(freed_meanwhile, 100, 0);
    memset(freed_meanwhile.p, 0x5a, 16);
    page_of_border = freed_meanwhile.p - (uintptr_t)freed_meanwhile.p % HAK_PAGE_BYTES;
    signal(SIGSEGV, free_and_open_page);
    ck_assert(hak_bar_access(page_of_border, HAK_PAGE_BYTES));
    ck_assert_uint_eq(refuse(user.p, HAK_FREE).fault, HAK_FAULT_DOUBLE_FREE);
}

TEST(a_second_free_is_known_after_the_slab_was_given_back, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    user_t user = hand_out(slot_at(1, 6), 24, 0);
    ck_assert(hak_check_freed(slot_at(1, 6), HAK_FREE, HAK_PLACE_FRONT));
    hak_hop_note(HAK_SLAB_RELEASE, HAK_CLASS_OF_48, slab_at(1), 0);
    heap->class_of_slab[1] = HAK_CLASS_NONE;
    struct hak_fault_facts facts = refuse(user.p, HAK_FREE);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_uint_eq(facts.slot, 6);
    acquire_slab(1, HAK_CLASS_OF_48);
    ck_assert_uint_eq(refuse(user.p, HAK_FREE).fault, HAK_FAULT_BAD_FREE);
}

/* A freed block may lie in BigCache (1), or its pages in L2.5 (0). */
TEST(a_second_free_is_known_while_the_large_layer_keeps_the_block, .until = 2) {
    make_world(HAK_CHECK_TRACE, HAK_LAYOUT_SAME);
    hak_options.bigcache_max_bytes = _i ? 8 << 20 : 0;
    base_t block = hak_large_take(100000, 0, NULL), base;
    struct hak_hand_out how = {.asked_bytes = 100000, .class_index = HAK_CLASS_NONE};
    user_t user = hak_check_hand_out(block, &how);
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert(hak_check_freed(base, HAK_FREE, HAK_PLACE_LARGE));
    ck_assert(hak_large_give(base));
    ck_assert_uint_eq(refuse(user.p, HAK_FREE).fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_uint_eq(last_fault()->asked_bytes, 100000);
    ck_assert_uint_eq(refuse(user.p + 8192, HAK_FREE).fault, HAK_FAULT_BAD_FREE);
}

TEST(a_pointer_into_a_block_is_a_bad_free, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    user_t user = hand_out(slot_at(1, 4), 24, 0);
    for (int offset = -16; offset < 32; offset++) {
        char *pointer = user.p + offset;
        if (offset == 0 || pointer < slot_at(1, 4).p)
            continue;
        struct hak_fault_facts facts = refuse(pointer, HAK_FREE);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_BAD_FREE);
        ck_assert_uint_eq(facts.memory, HAK_MEMORY_INSIDE_LIVE);
        ck_assert_int_eq(facts.offset, offset);
        ck_assert_uint_eq(facts.user, user_address(user));
        ck_assert_uint_eq(facts.slot, 4);
    }
    ck_assert_uint_eq(state_of(slot_at(1, 4))->place, HAK_PLACE_LIVE);
    ck_assert(hak_check_freed(slot_at(1, 4), HAK_FREE, HAK_PLACE_FRONT));
    struct hak_fault_facts facts = refuse(user.p + 8, HAK_FREE);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_BAD_FREE);
    ck_assert_uint_eq(facts.memory, HAK_MEMORY_INSIDE_FREE);
}

TEST(a_slot_that_never_was_a_block_is_a_bad_free, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    size_t delta = _i == HAK_LAYOUT_HEADER ? 16 : 0;
    struct hak_fault_facts facts = refuse(slot_at(1, 700).p + delta, HAK_FREE);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_BAD_FREE);
    ck_assert_uint_eq(facts.memory, HAK_MEMORY_SLOT_START);
    ck_assert_uint_eq(facts.place, HAK_PLACE_UNTOUCHED);
    char *const internal[] = {(char *)heap,      (char *)heap + 40, slab_at(1),
                              slab_at(1) + 1055, slab_at(5),        slab_at(2) - 1};
    for (unsigned i = 0; i < sizeof internal / sizeof internal[0]; i++) {
        facts = refuse(internal[i], HAK_FREE);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_BAD_FREE);
        ck_assert_uint_eq(facts.memory, HAK_MEMORY_HEAP_INTERNAL);
        ck_assert_uint_eq(facts.superslab, (uintptr_t)heap);
        ck_assert_uint_eq(facts.base, 0);
    }
}

TEST(stack_static_code_and_unmapped_are_bad_frees, .until = 2) {
    static char data[32];
    char local[32];
    make_world(_i, HAK_LAYOUT_HEADER);
    char *nothing = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(nothing, 4096);
    const struct {
        char *pointer;
        enum hak_memory memory;
    } cases[] = {
        {local, HAK_MEMORY_STACK},
        {data, HAK_MEMORY_STATIC},
        {(char *)(uintptr_t)run_suite, HAK_MEMORY_CODE},
        {nothing, HAK_MEMORY_UNMAPPED},
        {nothing + 7, HAK_MEMORY_UNMAPPED},
        {(char *)0xdeadbeefdeadbeef, HAK_MEMORY_UNMAPPED},
        {(char *)1, HAK_MEMORY_UNMAPPED},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hak_fault_facts facts = refuse(cases[i].pointer, HAK_FREE);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_BAD_FREE);
        ck_assert_uint_eq(facts.memory, cases[i].memory);
        ck_assert_uint_eq(facts.superslab, 0);
        ck_assert_uint_eq(last_event().class_index, HAK_CLASS_NONE);
    }
    ck_assert_uint_eq(counts[HAK_COUNT_FOREIGN_FREE], 0);
}

TEST(memory_of_another_allocator_is_passed_on_and_counted, .until = 2) {
    make_world(_i, HAK_LAYOUT_HEADER);
    base_t base;
    char *mapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *other = malloc(100); /* the system's: the layers are linked without entry/ */
    ck_assert_int_eq(hak_check_pointer(user_from(mapped), HAK_FREE, &base), HAK_FOREIGN);
    ck_assert_int_eq(hak_check_pointer(user_from(other), HAK_REALLOC, &base), HAK_FOREIGN);
    ck_assert_uint_eq(counts[HAK_COUNT_FOREIGN_FREE], 2);
    ck_assert_uint_eq(event_count, 0);
    ck_assert_uint_eq(fault_count, 0);
    free(other);
}

/* Both threads have seen a live block before either gives it back. */
static pthread_barrier_t both_took_back;
static void *free_it(void *pointer) {
    base_t base;
    hak_check_pointer(user_from(pointer), HAK_FREE, &base);
    pthread_barrier_wait(&both_took_back);
    return hak_check_freed(base, HAK_FREE, HAK_PLACE_FRONT) ? pointer : NULL;
}

TEST(of_two_threads_that_free_a_block_one_wins) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    pthread_barrier_init(&both_took_back, NULL, 2);
    for (int i = 0; i < 1000; i++) {
        user_t user = hand_out(slot_at(1, 4), 24, 0);
        pthread_t threads[2];
        void *won[2];
        forget_events();
        for (int k = 0; k < 2; k++)
            pthread_create(&threads[k], NULL, free_it, user.p);
        for (int k = 0; k < 2; k++)
            pthread_join(threads[k], &won[k]);
        ck_assert_int_eq((won[0] != NULL) + (won[1] != NULL), 1);
        ck_assert_uint_eq(fault_count, 1);
        ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_DOUBLE_FREE);
    }
}

TEST(large_blocks_have_the_same_border, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    size_t asked = 100000;
    base_t block = hak_large_take(hak_check_slot_bytes(asked, 64), 0, NULL), base;
    struct hak_hand_out how = {
        .asked_bytes = asked, .alignment = 64, .class_index = HAK_CLASS_NONE};
    user_t user = hak_check_hand_out(block, &how);
    struct hak_event_fields e = last_event();
    ck_assert_uint_eq(user_address(user) % 64, 0);
    ck_assert_uint_eq(e.place, HAK_PLACE_LARGE);
    ck_assert_uint_eq(e.class_index, HAK_CLASS_NONE);
    ck_assert_uint_eq(e.size, asked);
    ck_assert_uint_gt(e.epoch, 0);
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_ptr_eq(base.p, block.p);
    ck_assert_uint_eq(fault_count, 0);
    struct hak_fault_facts facts = refuse(user.p + 70000, HAK_FREE);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_BAD_FREE);
    ck_assert_uint_eq(facts.memory, HAK_MEMORY_INSIDE_LIVE);
    ck_assert_int_eq(facts.offset, 70000);
    ck_assert_uint_eq(facts.asked_bytes, asked);
    if (_i == HAK_LAYOUT_HEADER) {
        forget_events();
        user.p[asked]++;
        user.p[-1]++;
        hak_check_pointer(user, HAK_FREE, &base);
        ck_assert_uint_eq(fault_count, 2);
        ck_assert_uint_eq(faults[0].fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
        ck_assert_uint_eq(faults[1].fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    }
    ck_assert(hak_check_freed(base, HAK_FREE, HAK_PLACE_LARGE));
    ck_assert_uint_eq(refuse(user.p, HAK_FREE).fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert(hak_large_give(block));
    /* Its mapping is gone, what is known of it is not. */
    facts = refuse(user.p, HAK_FREE);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_uint_eq(facts.asked_bytes, asked);
    ck_assert_uint_eq(facts.base, base_address(block));
    ck_assert_uint_eq(refuse(user.p + 16, HAK_FREE).fault, HAK_FAULT_BAD_FREE);
}

TEST(calls_without_a_record_are_counted) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    hak_check_call_without_record(0, false);
    hak_check_call_without_record(SIZE_MAX, true);
    ck_assert_uint_eq(counts[HAK_COUNT_FREE_OF_NULL], 1);
    ck_assert_uint_eq(counts[HAK_COUNT_FAILED_CALL], 1);
    ck_assert_uint_eq(event_count, 0);
}

RUN_TESTS(.prepare = hak_objects_start)

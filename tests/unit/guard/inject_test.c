/* HAKMEM_INJECT: which push is spoilt, and how. */
#include <unistd.h>
#include "world.h"

static void plan(unsigned layout, const char *text) {
    make_world(HAK_CHECK_TRACE, layout);
    strcpy(hak_options.inject, text);
    hak_inject_start();
}

/* A push of a block of `slab_index`; tells what the injection made of it. */
static bool push(unsigned slab_index, base_t *block, unsigned *class_index) {
    *block = slot_at(slab_index, 1);
    *class_index = heap->class_of_slab[slab_index];
    return hak_check_inject_push(block, class_index);
}

/* Passes `pushes` pushes that must be left alone. */
static void pass(unsigned slab_index, unsigned pushes) {
    base_t block;
    unsigned class_index;
    while (pushes-- > 0) {
        ck_assert(!push(slab_index, &block, &class_index));
        ck_assert_ptr_eq(block.p, slot_at(slab_index, 1).p);
        ck_assert_uint_eq(class_index, heap->class_of_slab[slab_index]);
    }
}

TEST(nothing_is_spoilt_without_it) {
    plan(HAK_LAYOUT_HEADER, "");
    pass(1, 100);
}

TEST(offset16_moves_the_pointer_once) {
    base_t block;
    unsigned class_index;
    plan(HAK_LAYOUT_HEADER, "offset16:3");
    pass(1, 2);
    ck_assert(!push(1, &block, &class_index));
    ck_assert_ptr_eq(block.p, slot_at(1, 1).p + 16);
    ck_assert_uint_eq(class_index, HAK_CLASS_OF_48);
    pass(1, 100);
}

TEST(offset16_waits_for_a_slot_that_holds_pointer_and_link, EACH_LAYOUT) {
    base_t block;
    unsigned class_index;
    plan(_i, "offset16:2");
    acquire_slab(5, _i == HAK_LAYOUT_HEADER ? HAK_CLASS_OF_32 : HAK_CLASS_OF_16);
    pass(5, 10);
    push(1, &block, &class_index);
    ck_assert_ptr_eq(block.p, slot_at(1, 1).p + 16);
}

TEST(double_push_asks_for_a_second_push) {
    base_t block;
    unsigned class_index;
    plan(HAK_LAYOUT_SAME, "double-push:1");
    ck_assert(push(1, &block, &class_index));
    ck_assert_ptr_eq(block.p, slot_at(1, 1).p);
    pass(1, 100);
}

TEST(wrong_class_names_a_neighbour) {
    base_t block;
    unsigned class_index;
    plan(HAK_LAYOUT_SAME, "wrong-class:2");
    pass(1, 1);
    push(1, &block, &class_index);
    ck_assert_uint_eq(class_index, HAK_CLASS_OF_48 - 1);
    pass(1, 100);
}

TEST(wrong_class_of_the_first_class_is_the_second) {
    base_t block;
    unsigned class_index;
    plan(HAK_LAYOUT_SAME, "wrong-class:1");
    push(4, &block, &class_index);
    ck_assert_uint_eq(class_index, 1);
}

TEST(no_superslab_pushes_memory_of_somebody_else) {
    base_t block;
    unsigned class_index;
    plan(HAK_LAYOUT_SAME, "no-superslab:1");
    push(1, &block, &class_index);
    ck_assert_ptr_null(hak_registry_find(block.p));
    pass(1, 100);
}

TEST(what_cannot_be_read_is_said_in_one_line, .until = 7) {
    const char *const bad[] = {"offset16",
                               "offset16:",
                               "offset16:0",
                               "offset16:x",
                               "offset:1",
                               "double-push:1x",
                               "wrong-class:99999999999999999999999"};
    char line[1024];
    int ends[2], saved = dup(2);
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], 2);
    plan(HAK_LAYOUT_SAME, bad[_i]);
    dup2(saved, 2);
    ssize_t length = read(ends[0], line, sizeof line - 1);
    ck_assert_int_gt(length, 0);
    line[length] = '\0';
    ck_assert_ptr_nonnull(strstr(line, "HAKMEM_INJECT"));
    ck_assert_ptr_nonnull(strstr(line, bad[_i]));
    ck_assert_ptr_nonnull(strstr(line, "offset16:N"));
    ck_assert_ptr_eq(strchr(line, '\n'), line + length - 1);
    pass(1, 100);
}

RUN_TESTS()

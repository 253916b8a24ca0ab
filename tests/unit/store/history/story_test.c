/* The story of a block: its lives, who is marked as an old owner, and above all who is not. */
#include "../capture.h"

/* Call stacks of the little programs below. */
enum { NEW_SESSION = 10, CLOSE_SESSION, PARSE_HEADER, HEADER_DONE, NEW_REPLY, REPLY_DONE, CONSUME };

/* Three owners of one slot; owner 1 keeps its pointer and frees owner 3's block. */
static void stale_owner(uint64_t *stale, uint64_t *second) {
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CLOSE_SESSION, 1);
    capture_cut();
    block_malloc(5, PARSE_HEADER, 2);
    block_free(5, HEADER_DONE, 2);
    block_malloc(5, NEW_REPLY, 2);
    *stale = block_free(5, CLOSE_SESSION, 1);
    capture_cut();
    *second = block_free_again(5, REPLY_DONE, 2);
}

TEST(old_owner_that_frees_is_marked) {
    uint64_t stale, second;
    for (int i = 100; i < 200; i++) { /* sessions and replies elsewhere, ended as they should be */
        block_malloc(i, i & 1 ? NEW_SESSION : NEW_REPLY, 1);
        block_free(i, i & 1 ? CLOSE_SESSION : REPLY_DONE, 1);
    }
    stale_owner(&stale, &second);
    struct hak_story *s = tell_of(BLOCK(5) + 20, 0, 0);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->block.base, BLOCK(5));
    ck_assert_uint_eq(s->block.slot_bytes, 48);
    ck_assert_int_eq(s->offset, 4);
    ck_assert_int_eq(s->life_count, 3);
    ck_assert_uint_eq(s->lives_total, 3);
    ck_assert_int_eq(s->lives[0].end_count, 1);
    ck_assert(!s->lives[0].stale_end && !s->lives[1].stale_end);
    ck_assert_int_eq(s->lives[2].end_count, 2);
    ck_assert_uint_eq(s->lives[2].ends[0].id, stale);
    ck_assert_uint_eq(s->lives[2].ends[1].id, second);
    ck_assert(s->lives[2].stale_end);
    ck_assert_uint_eq(s->lives[2].stale_owner, 1);
    ck_assert_uint_eq(s->fault.size, 202);
    ck_assert_uint_eq(s->first_wrong.id, second);
    hak_story_free(s);
}

static void expect_nobody_marked(void) {
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert_ptr_nonnull(s);
    const struct hak_life *last = &s->lives[s->life_count - 1];
    ck_assert_int_eq(last->end_count, 2);
    for (int i = 0; i < s->life_count; i++)
        ck_assert_msg(!s->lives[i].stale_end && !s->lives[i].stale_owner, "owner %u is marked",
                      s->lives[i].number);
    hak_story_free(s);
}

TEST(present_owner_that_frees_twice_is_not_marked) {
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CLOSE_SESSION, 1);
    block_malloc(5, NEW_REPLY, 2);
    block_free(5, REPLY_DONE, 2);
    block_free_again(5, REPLY_DONE, 2);
    expect_nobody_marked();
}

TEST(present_owner_in_a_loop_is_not_marked) {
    for (int i = 0; i < 3; i++) {
        block_malloc(5, NEW_REPLY, 2);
        block_free(5, REPLY_DONE, 2);
    }
    block_free_again(5, CONSUME, 2);
    expect_nobody_marked();
}

TEST(one_place_that_ends_it_twice_is_not_marked) {
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CONSUME, 1);
    block_malloc(5, NEW_REPLY, 2);
    block_free(5, CONSUME, 2);
    block_free_again(5, CONSUME, 2);
    expect_nobody_marked();
}

TEST(missing_events_leave_nobody_marked) {
    uint64_t stale, second;
    stale_owner(&stale, &second);
    must(hak_store_put_loss(
        capture.w, &(struct hak_loss_row){.process = 1, .count = 1, .reason = "ring full"}));
    expect_nobody_marked();
}

TEST(destructor_of_two_types_is_not_marked) {
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CLOSE_SESSION, 1);
    block_malloc(9, NEW_REPLY, 1); /* elsewhere the same destructor ends the other type */
    block_free(9, CLOSE_SESSION, 1);
    capture_cut();
    block_malloc(5, NEW_REPLY, 2);
    block_free(5, CLOSE_SESSION, 1);
    block_free_again(5, REPLY_DONE, 2);
    expect_nobody_marked();
}

TEST(destructor_seen_only_later_or_after_resizes_is_not_marked) {
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CLOSE_SESSION, 1);
    block_malloc(5, NEW_REPLY, 2);
    block_free(5, CLOSE_SESSION, 1);
    block_free_again(5, REPLY_DONE, 2);
    capture_cut();
    block_malloc(9, NEW_REPLY, 1);
    for (int i = 0; i < 7; i++)
        block_resize(9, CONSUME, 1);
    capture_cut();
    block_free(9, CLOSE_SESSION, 1);
    expect_nobody_marked();
}

TEST(other_lives_on_the_same_slots_are_no_excuse) {
    uint64_t stale, second;
    /* The slot of a reply is later ended by close_session, but in another life, a session's. */
    block_malloc(9, NEW_REPLY, 1);
    block_free(9, REPLY_DONE, 1);
    block_malloc(9, NEW_SESSION, 1);
    block_free(9, CLOSE_SESSION, 1);
    stale_owner(&stale, &second);
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert(s->lives[2].stale_end);
    hak_story_free(s);
}

TEST(consumer_that_frees_everything_is_not_marked) {
    for (int i = 0; i < 50; i++) {
        block_malloc(20 + i, i % 2 ? NEW_SESSION : NEW_REPLY, 1);
        block_free(20 + i, CONSUME, 3);
    }
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CONSUME, 3);
    block_malloc(5, NEW_REPLY, 1);
    block_free(5, CONSUME, 3);
    block_free_again(5, REPLY_DONE, 1);
    expect_nobody_marked();
}

TEST(old_owner_that_only_writes_is_not_marked) {
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CLOSE_SESSION, 1);
    block_malloc(5, NEW_REPLY, 2);
    block_free(5, REPLY_DONE, 2);
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert_int_eq(s->life_count, 2);
    ck_assert(!s->lives[0].stale_end && !s->lives[1].stale_end);
    ck_assert_int_eq(s->lives[1].end_count, 1);
    ck_assert_uint_eq(s->first_wrong.id, 0);
    ck_assert_uint_eq(s->fault.id, 0);
    hak_story_free(s);
}

TEST(partial_stack_is_no_evidence) {
    block_malloc(5, NEW_SESSION, 1);
    block_event(5, HAK_FREE, HAK_PLACE_FRONT, CLOSE_SESSION, 1, 24, HAK_RECORD_PARTIAL);
    block_malloc(5, NEW_REPLY, 2);
    block_event(5, HAK_FREE, HAK_PLACE_FRONT, CLOSE_SESSION, 1, 24, HAK_RECORD_PARTIAL);
    block_free_again(5, REPLY_DONE, 2);
    expect_nobody_marked();
}

TEST(fault_record_alone_is_the_second_end) {
    uint64_t stale;
    block_malloc(5, NEW_SESSION, 1);
    stale = block_free(5, CLOSE_SESSION, 1);
    capture_put((struct hak_event){.base = BLOCK(5),
                                   .address = BLOCK(5) + 16,
                                   .size = 202,
                                   .thread = 1,
                                   .stack = REPLY_DONE,
                                   .kind = HAK_FAULT,
                                   .class_index = CLASS_48});
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert_int_eq(s->lives[0].end_count, 2);
    ck_assert_uint_eq(s->lives[0].ends[0].id, stale);
    ck_assert_uint_eq(s->lives[0].ends[1].kind, HAK_FAULT);
    ck_assert_uint_eq(s->lives[0].ends[1].stack, REPLY_DONE);
    hak_story_free(s);
}

TEST(bad_free_inside_a_live_block_ends_nothing) {
    block_malloc(5, NEW_SESSION, 1);
    capture_put((struct hak_event){.base = BLOCK(5),
                                   .address = BLOCK(5) + 24,
                                   .generation = (uint64_t)capture.epoch << 32 | ++capture.n[5],
                                   .thread = 1,
                                   .stack = CONSUME,
                                   .kind = HAK_FREE,
                                   .place = HAK_PLACE_LIVE,
                                   .flags = HAK_RECORD_ILLEGAL,
                                   .class_index = CLASS_48});
    block_free(5, CLOSE_SESSION, 1);
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert_int_eq(s->life_count, 1);
    ck_assert_int_eq(s->lives[0].end_count, 1);
    ck_assert_uint_eq(s->lives[0].ends[0].stack, CLOSE_SESSION);
    hak_story_free(s);
}

TEST(first_wrong_step_is_the_push_of_the_popped_pointer) {
    block_malloc(5, NEW_SESSION, 1);
    block_event(5, HAK_FREE, HAK_PLACE_MAGAZINE, CLOSE_SESSION, 1, 24, 0);
    uint64_t push = capture_put((struct hak_event){.base = BLOCK(5),
                                                   .address = BLOCK(5) + 16,
                                                   .generation = (uint64_t)1 << 32 | ++capture.n[5],
                                                   .thread = 2,
                                                   .stack = CONSUME,
                                                   .kind = HAK_SLL_PUSH,
                                                   .place = HAK_PLACE_SLL,
                                                   .flags = HAK_RECORD_ILLEGAL,
                                                   .class_index = CLASS_48});
    for (int i = 0; i < 1000; i++)
        block_malloc(100 + i, NEW_REPLY, 2);
    uint64_t fault = capture_put((struct hak_event){.base = BLOCK(5),
                                                    .address = BLOCK(5) + 16,
                                                    .size = 104,
                                                    .generation = (uint64_t)1 << 32 | capture.n[5],
                                                    .thread = 2,
                                                    .stack = CONSUME,
                                                    .kind = HAK_FAULT,
                                                    .class_index = CLASS_48});
    must(hak_store_put_fault(
        capture.w, &(struct hak_fault_row){.id = 1, .code = 104, .event = fault, .process = 1}));
    struct hak_story *s = tell_of(BLOCK(5) + 16, 0, 0);
    ck_assert_uint_eq(s->block.base, BLOCK(5));
    ck_assert_uint_eq(s->first_wrong.id, push);
    ck_assert_uint_eq(s->fault.id, fault);
    ck_assert_uint_eq(s->fault_row, 1);
    ck_assert_int_eq(s->move_count, 5); /* refill, malloc, free, push, fault */
    hak_story_free(s);
}

TEST(child_takes_from_its_parent_what_lies_before_the_fork) {
    block_malloc(5, NEW_SESSION, 1);
    uint64_t fork = capture_put((struct hak_event){.kind = HAK_FORK, .thread = 1, .size = 1});
    must(hak_store_put_process(
        capture.w, &(struct hak_process_row){
                       .id = 2, .parent = 1, .fork_event = fork, .pid = 4712, .session = 1}));
    must(hak_store_put_process(/* the same pid after exec: another image, nothing is inherited */
                               capture.w, &(struct hak_process_row){
                                              .id = 3, .parent = 1, .pid = 4713, .session = 2}));
    uint32_t n = capture.n[5];
    uint64_t parents = block_free(5, CLOSE_SESSION, 1);
    capture.n[5] = n;
    capture.process = 2;
    uint64_t childs = block_free(5, REPLY_DONE, 4);
    struct hak_story *s = tell_of(BLOCK(5), 2, 0);
    ck_assert_int_eq(s->life_count, 1);
    ck_assert_uint_eq(s->lives[0].birth.stack, NEW_SESSION);
    ck_assert_int_eq(s->lives[0].end_count, 1);
    ck_assert_uint_eq(s->lives[0].ends[0].id, childs);
    ck_assert_uint_eq(s->block.process, 2);
    hak_story_free(s);
    s = tell_of(BLOCK(5), 1, 0);
    ck_assert_uint_eq(s->lives[0].ends[0].id, parents);
    ck_assert_int_eq(s->lives[0].end_count, 1);
    hak_story_free(s);
    ck_assert_ptr_null(tell_of(BLOCK(5), 3, 0));
}

TEST(until_hides_what_comes_later) {
    block_malloc(5, NEW_SESSION, 1);
    uint64_t end = block_free(5, CLOSE_SESSION, 1);
    block_malloc(5, NEW_REPLY, 1);
    struct hak_story *s = tell_of(BLOCK(5), 0, end);
    ck_assert_int_eq(s->life_count, 1);
    hak_story_free(s);
    s = tell_of(BLOCK(5), 0, 0);
    ck_assert_int_eq(s->life_count, 2);
    ck_assert_int_eq(s->lives[1].end_count, 0);
    hak_story_free(s);
}

TEST(long_lives_keep_the_newest) {
    for (int i = 0; i < 5000; i++) {
        block_malloc(5, NEW_SESSION, 1);
        for (int k = 0; i == 4999 && k < 300; k++)
            block_resize(5, CONSUME, 1);
        block_free(5, CLOSE_SESSION, 1);
    }
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert_uint_eq(s->lives_total, 5000);
    ck_assert_uint_eq(s->moves_total, 10301);
    ck_assert_uint_eq(s->lives[s->life_count - 1].number, 5000);
    ck_assert_uint_eq(s->moves[s->move_count - 1].id, capture.id);
    for (int i = 1; i < s->life_count; i++)
        ck_assert_uint_eq(s->lives[i].number, s->lives[i - 1].number + 1);
    for (int i = 1; i < s->move_count; i++)
        ck_assert_uint_eq(s->moves[i].id, s->moves[i - 1].id + 1);
    hak_story_free(s);
}

TEST(large_block_is_found_by_a_pointer_into_its_middle) {
    uint64_t base = 0x7f0000001000, size = 3 << 20;
    for (uint32_t n = 1; n <= 2; n++)
        capture_put((struct hak_event){.base = base,
                                       .address = base + 16,
                                       .size = size,
                                       .generation = (uint64_t)9 << 32 | n,
                                       .thread = 1,
                                       .stack = NEW_REPLY,
                                       .kind = n == 1 ? HAK_MALLOC : HAK_FREE,
                                       .place = HAK_PLACE_LARGE,
                                       .class_index = HAK_CLASS_NONE});
    block_malloc(5, NEW_SESSION, 1);
    struct hak_story *s = tell_of(base + 16 + size - 1, 0, 0);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->block.base, base);
    ck_assert_uint_eq(s->block.slot_bytes, size + 16);
    ck_assert_int_eq(s->offset, (int64_t)size - 1);
    ck_assert_int_eq(s->lives[0].end_count, 1);
    hak_story_free(s);
    /* The rest of its last page is the block's, too. */
    s = tell_of(base + size + 4095, 0, 0);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->block.base, base);
    hak_story_free(s);
    ck_assert_ptr_null(tell_of(base + size + 4096, 0, 0));
    ck_assert_ptr_null(tell_of(base - 1, 0, 0));
}

TEST(losses_while_the_block_was_seen_are_told) {
    block_malloc(5, NEW_SESSION, 1);
    uint64_t from = capture.ns;
    block_free(5, CLOSE_SESSION, 1);
    must(hak_store_put_loss(
        capture.w,
        &(struct hak_loss_row){
            .process = 1, .from_ns = from, .to_ns = from + 5, .count = 7, .reason = "ring full"}));
    must(hak_store_put_loss(capture.w, &(struct hak_loss_row){.process = 1,
                                                              .from_ns = capture.ns + 500,
                                                              .to_ns = capture.ns + 505,
                                                              .count = 100,
                                                              .reason = "ring full"}));
    struct hak_story *s = tell_of(BLOCK(5), 0, 0);
    ck_assert_uint_eq(s->lost_events, 7);
    hak_story_free(s);
}

RUN_TESTS(.set_up = capture_start, .tear_down = capture_end)

/* Blocks at which a debug register stands: a write of the program beside or into them is a fault,
 * one of hakmem's own is none. Where the system gives no registers, that is reported, and nothing
 * is watched. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/guard/world.h"
#include "stopped.h"
#include "guard/quarantine.h"
#include "guard/watched/watched.h"
#include "platform/raw_call.h"

/* A world in level normal, for `watch` registers. */
static void make_watched_world(unsigned watch) {
    count_stops();
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.watch = watch;
    hak_options.poison = 1;
    hak_options.quarantine_bytes = 1 << 20;
    hak_options.quarantine_blocks = 1000;
    unwatched = 0;
}

/* `watch` registers over blocks of such a world. */
static bool watch_world(unsigned watch) {
    make_watched_world(watch);
    hak_watched_start();
    (void)hand_out(slot_at(2, 0), 40, 0); /* opens them */
    if (!hak_watched_is_on)
        ck_assert_uint_ne(unwatched, 0);
    return hak_watched_is_on || no_register_fires();
}

/* A block of a site that was never watched: a register comes at once. */
static user_t take_new(base_t block, size_t asked_bytes, size_t alignment) {
    hak_watched_sites.times[hak_watch_site(STACK_OF_PROGRAM)] = 0;
    user_t user = hand_out(block, asked_bytes, alignment);
    ck_assert(state_of(block)->subkind & HAK_SLOT_WATCHED);
    return user;
}

static void give_back(user_t user) {
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user, hak_free_by(HAK_GIVEN_BY_FREE), &base), HAK_TAKE);
    ck_assert_int_ne(hak_check_quarantine(base, hak_free_by(HAK_GIVEN_BY_FREE), 1), HAK_NOT_KEPT);
}

TEST(a_write_behind) {
    if (!watch_world(4))
        return;
    for (size_t asked = 33; asked < 48; asked++) {
        volatile char *user = take_new(slot_at(2, (unsigned)asked), asked, 0).p;
        unsigned before = found[HAK_TRAPPED_FAULT];
        for (size_t i = 0; i < asked; i++)
            user[i] = 'x';
        ck_assert_uint_eq(stops, before);
        user[asked] = 'x';
        ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], before + 1);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
        ck_assert_uint_eq(facts.found_by, HAK_FOUND_BY_WATCH);
        ck_assert_uint_eq(facts.access, HAK_ACCESS_WRITE);
        ck_assert_int_eq(facts.offset, (int64_t)asked);
        ck_assert_uint_eq(facts.found_address, (uintptr_t)user + asked);
        ck_assert_uint_eq(facts.user, (uintptr_t)user);
        user[asked] = 'y'; /* told once */
        ck_assert_uint_eq(stops, before + 1);
    }
}

/* Every fourth block of a site is watched in front. */
TEST(a_write_in_front) {
    if (!watch_world(1))
        return;
    for (unsigned i = 0; i < 1300 && found[HAK_TRAPPED_FAULT] == 0; i++) {
        volatile char *user = hand_out(slot_at(1, i), 24, 0).p;
        user[-1] = 'x';
        usleep(300); /* the register moves on after a while */
    }
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_int_eq(facts.offset, -1);
}

/* At a site with a damaged block, each block is watched, where the damage was. */
TEST(a_suspect_on_its_side) {
    if (!watch_world(4))
        return;
    hak_watched_suspect(STACK_OF_PROGRAM, HAK_WATCHED_IN_FRONT);
    for (unsigned i = 1; i <= 6; i++) {
        volatile char *user = hand_out(slot_at(1, i), 24, 0).p;
        user[-1] = 'x';
        ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], i);
    }
    hak_watched_suspect(STACK_OF_PROGRAM, HAK_WATCHED_FREED);
    user_t freed = hand_out(slot_at(1, 7), 8, 0);
    ck_assert(state_of(slot_at(1, 7))->subkind & HAK_SLOT_WATCHED);
    volatile char *behind = (volatile char *)freed.p + 8, held = *behind;
    *behind = (char)~held; /* it waits for the free */
    *behind = held;
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 6);
    give_back(freed);
    ((volatile char *)freed.p)[3] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 7);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_USE_AFTER_FREE);
}

/* No other block takes its register before its time. */
TEST(a_suspect_is_not_displaced) {
    if (!watch_world(1))
        return;
    hak_watched_suspect(STACK_OF_PROGRAM, HAK_WATCHED_BEHIND);
    (void)hand_out(slot_at(2, 1), 40, 0); /* the register may move on to it after a while */
    usleep(2000);
    volatile char *user = hand_out(slot_at(2, 2), 40, 0).p;
    hak_watched_sites.suspect_count = 0;
    hak_watched_sites.suspects[0].is_there = false;
    (void)hand_out(slot_at(2, 3), 40, 0); /* of a site that is new */
    user[40] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
}

/* A guarded block of a stack that the file names. */
static volatile char *take_guarded(size_t asked_bytes) {
    static const void *caller = "here";
    struct hak_hand_out how = {
        .asked_bytes = asked_bytes, .class_index = HAK_CLASS_NONE, .call = &caller};
    base_t base = hak_check_take_guarded(&how);
    ck_assert_ptr_nonnull(base.p);
    return hak_check_hand_out(base, &how).p;
}

static bool watch_stacks_of(const char *rules) {
    FILE *file = fopen("only", "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "hakmem-only 1\n%s", rules);
    fclose(file);
    make_watched_world(HAK_WATCH_REGISTERS);
    place_count = 1; /* of any stack */
    strcpy(hak_options.guard, "only:only");
    hak_options.guard_side = HAK_SIDE_AFTER;
    hak_options.guard_align = HAK_GUARD_ALIGN_16;
    hak_options.guard_memory_bytes = 16 << 20;
    hak_guard_start();
    ck_assert_int_eq(unlink("only"), 0);
    hak_watched_start();
    return hak_watch_open(HAK_WATCH_REGISTERS) == HAK_WATCH_REGISTERS || /* others may have some */
           no_register_fires();
}

/* The bytes in front of the closed page are watched for a file's stacks, at the block that is
 * expected and at those beside it before all others; and nothing else is. The process may stand
 * still in front of each block, in which the registers' times pass. */
TEST(blocks_of_a_file_s_stacks, .until = 10) {
    volatile char *block[10];
    if (!watch_stacks_of("stack watch=2 number=6\n  *\n"))
        return;
    for (int i = 1; i < 10; i++) {
        if (i == _i)
            usleep(3000);
        block[i] = take_guarded(25);
    }
    block[6][26] = 'x'; /* in front of what is watched */
    volatile char *other = hand_out(slot_at(2, 1), 40, 0).p;
    other[40] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 0);
    block[6][27] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
    ck_assert_uint_eq(facts.user, (uintptr_t)block[6]);
    ck_assert_int_eq(facts.offset, 27);
    ck_assert_uint_eq(facts.found_by, HAK_FOUND_BY_WATCH);
    block[5][27] = 'x'; /* none that came later has taken its register */
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 2);
    block[7][27] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 3);
    block[9][27] = 'x'; /* the last one has what is left */
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 4);
    block[8][27] = 'x';
    block[4][27] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 4);
}

/* One of another size may have no such byte: then it is the first behind. */
TEST(blocks_of_another_size) {
    if (!watch_stacks_of("stack watch=9\n  *\n"))
        return;
    volatile char *block = take_guarded(15);
    block[15] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
    (void)take_guarded(16); /* it has none at all */
}

static bool take_nothing(base_t base, unsigned class_index, uint32_t asked_bytes,
                         enum hak_subkind subkind, hak_call_t call) {
    (void)base, (void)class_index, (void)asked_bytes, (void)subkind, (void)call;
    return false;
}

/* Where registers are refused, blocks take the path without them from then on. */
TEST(the_path_without_registers) {
    hak_check_path.take = take_nothing;
    hak_watched_is_on = true;
    hak_watched_path_start();
    ck_assert(hak_check_path.take != take_nothing);
    hak_watched_is_on = false;
    (void)hak_check_path.take((base_t){NULL}, 0, 0, HAK_BY_MALLOC, NULL);
    ck_assert(hak_check_path.take == take_nothing);
}

TEST(an_aligned_block) {
    if (!watch_world(4))
        return;
    volatile char *user = take_new(slot_at(3, 2), 100, 128).p;
    ck_assert_uint_eq((uintptr_t)user % 128, 0);
    user[100] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
    ck_assert_int_eq(facts.offset, 100);
}

TEST(a_write_after_free) {
    if (!watch_world(4))
        return;
    user_t user = take_new(slot_at(2, 3), 8, 0); /* one word: which one is drawn */
    give_back(user);
    ck_assert_uint_eq(stops, 0);
    ((volatile char *)user.p)[3] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_USE_AFTER_FREE);
    ck_assert_uint_eq(facts.memory, HAK_MEMORY_INSIDE_FREE);
    ck_assert_int_eq(facts.offset, 3);
}

/* Headers, canaries and poison are written by hakmem where registers stand. */
TEST(own_writes_stop_nobody) {
    if (!watch_world(4))
        return;
    unsigned marked = 0;
    for (unsigned round = 0; round < 500; round++) {
        base_t block = slot_at(2, round % 4);
        hak_watched_sites.times[hak_watch_site(STACK_OF_PROGRAM)] = 0;
        user_t user = hand_out(block, 20 + round % 20, 0);
        marked += (state_of(block)->subkind & HAK_SLOT_WATCHED) != 0; /* while there is time */
        if (round % 3 == 0) {
            base_t base;
            ck_assert_int_eq(hak_check_pointer(user, HAK_REALLOC, &base), HAK_TAKE);
            hak_check_resize(user, 30);
        }
        give_back(user);
        for (base_t base; (base = hak_check_leaving(true)).p;)
            ck_assert(hak_check_freed(base, HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
    }
    ck_assert_uint_gt(marked, 3);
    ck_assert_uint_eq(stops, 0);
    ck_assert_uint_eq(fault_count, 0);
}

/* Bytes that the program did not write, or wrote as they were, are no fault. */
TEST(bytes_that_stay_as_they_are) {
    if (!watch_world(4))
        return;
    volatile char *user = take_new(slot_at(2, 5), 40, 0).p;
    user[40] = user[40];
    ck_assert_uint_eq(found[HAK_TRAPPED_NOTHING], 1);
    user[40] = user[40]; /* it was taken off: this may come often */
    ck_assert_uint_eq(stops, 1);
}

/* The register still stands while the block is another one by now. */
TEST(a_block_that_changed) {
    if (!watch_world(4))
        return;
    for (unsigned change = 0; change < 5; change++) {
        base_t block = slot_at(2, 10 + change);
        volatile char *user = take_new(block, 40, 0).p;
        struct hak_slot *slot = state_of(block);
        slot->record_count += change == 0;
        slot->lives += change == 1;
        slot->is_changing = change == 2;
        slot->place = change == 3 ? HAK_PLACE_FRONT : HAK_PLACE_LIVE;
        if (change == 4)
            heap->slabs[2].epoch++;
        user[40] = 'x';
        ck_assert_uint_eq(found[HAK_TRAPPED_NOTHING], change + 1);
    }
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 0);
}

TEST(late_where_the_signal_was_blocked) {
    sigset_t trap;
    if (!watch_world(4))
        return;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    volatile char *user = take_new(slot_at(2, 5), 40, 0).p;
    sigprocmask(SIG_BLOCK, &trap, NULL);
    user[40] = 'x';
    user[41] = 'x';
    ck_assert_uint_eq(stops, 0);
    sigprocmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert_uint_eq(found[HAK_TRAPPED_LATE], 1);
    ck_assert_uint_eq(facts.found_by, HAK_FOUND_BY_LATE_WATCH);
    ck_assert_uint_eq(facts.damaged_bytes, 2);
    ck_assert_int_eq(facts.offset, 40);
}

TEST(a_forked_child_watches_anew) {
    if (!watch_world(4))
        return;
    volatile char *user = take_new(slot_at(2, 5), 40, 0).p;
    ck_assert(hak_watch_try()); /* by a thread that is not in the child */
    if (fork() == 0) {
        hak_watched_fork_child();
        user[40] = 'x'; /* nobody sees that */
        volatile char *own = take_new(slot_at(2, 6), 40, 0).p;
        own[40] = 'x';
        _exit(stops == 1 && found[HAK_TRAPPED_FAULT] == 1 ? 0 : 1);
    }
    int status;
    wait(&status);
    hak_watch_done();
    ck_assert_int_eq(status, 0);
    user[40] = 'x';
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
}

TEST(only_where_bytes_are_nobodys) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    hak_options.watch = 4;
    hak_watched_start();
    ck_assert(!hak_watched_is_on);
    ck_assert_uint_eq(unwatched, HAK_UNWATCHED_LEVEL);
}

TEST(nothing_in_a_sandbox) {
    if (!watch_world(4))
        return;
    volatile char *user = take_new(slot_at(2, 5), 40, 0).p;
    hak_prepare_for_sandbox();
    user[40] = 'x';
    (void)hand_out(slot_at(2, 6), 40, 0);
    ck_assert_uint_eq(stops, 0);
    ck_assert(!hak_watched_is_on);
    ck_assert_uint_eq(unwatched, HAK_UNWATCHED_SANDBOX);
}

RUN_TESTS()

/* Registers at the newest guarded blocks: who reads outside of a block is stopped and named; who
 * reads words and vectors across its ends is not, nor is hakmem. Where the system gives no
 * registers, nothing is watched. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/guard/world.h"
#include "stopped.h"

static bool is_watching;

/* Level normal, the first blocks of each site guarded, `what` as HAKMEM_GUARD_WATCH. */
static bool watch_newest(unsigned what) {
    count_stops();
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    strcpy(hak_options.guard, "sites:4");
    hak_options.guard_watch = what;
    hak_options.guard_memory_bytes = 16 << 20;
    hak_guard_start();
    hak_watched_start_newest();
    is_watching = hak_watch_open(HAK_WATCH_REGISTERS) != 0;
    ck_assert(is_watching || hak_watch_refusal() != 0);
    return is_watching || no_register_fires();
}

/* Takes a block of a site that no block had before. */
static char *take_new(size_t asked_bytes) {
    static const void *caller = "here";
    struct hak_hand_out how = {
        .asked_bytes = asked_bytes, .subkind = HAK_BY_MALLOC, .call = &caller};
    stack_of_program++;
    base_t base = hak_check_take_guarded(&how);
    ck_assert_ptr_nonnull(base.p);
    return hak_check_hand_out(base, &how).p;
}

static void give_back(char *user) {
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user_from(user), hak_free_by(HAK_GIVEN_BY_FREE), &base),
                     HAK_TAKE);
}

#define READ(type, from) (*(const volatile type *)(const volatile void *)(from))

static void expect(unsigned wrong, unsigned nothing) {
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], wrong);
    ck_assert_uint_eq(found[HAK_TRAPPED_NOTHING], nothing);
}

static void expect_read(const char *user, ptrdiff_t offset) {
    expect(1, 0);
    ck_assert_uint_eq(facts.fault, offset < 0 ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW
                                              : HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(facts.found_by, HAK_FOUND_BY_WATCH);
    ck_assert_uint_eq(facts.access, HAK_ACCESS_READ);
    ck_assert_int_eq(facts.offset, offset);
    ck_assert_uint_eq(facts.found_address, (uintptr_t)user + offset);
    ck_assert_uint_eq(facts.user, (uintptr_t)user);
}

TEST(a_byte_in_the_slack, .from = 33, .until = 48) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new((size_t)_i);
    for (int i = 0; i < _i; i++)
        (void)READ(char, user + i);
    expect(0, 0);
    (void)READ(char, user + _i);
    expect_read(user, _i);
    (void)READ(char, user + _i); /* told once */
    expect(1, 0);
}

TEST(numbers_in_front_and_in_the_slack, .until = 4) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new(24);
    switch (_i) {
    case 0:
        (void)READ(long, user - 8);
        expect_read(user, -8);
        break;
    case 1:
        (void)READ(short, user - 2);
        expect_read(user, -2);
        break;
    case 2:
        (void)READ(double, user + 24);
        expect_read(user, 24);
        break;
    default:
        (void)READ(int, user + 24);
        expect_read(user, 24);
        break;
    }
}

/* Wherever the block begins: its end is at the closed page. */
TEST(a_byte_right_in_front, .from = 1, .until = 17) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    hak_options.guard_align = HAK_GUARD_ALIGN_SIZE;
    char *user = take_new((size_t)_i);
    for (int i = 0; i < _i; i++)
        (void)READ(char, user + i);
    expect(0, 0);
    (void)READ(char, user - 1);
    expect_read(user, -1);
}

/* The register of the address holds what was read: the stop knows what it held. */
TEST(an_address_that_was_overwritten) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new(40);
    uint64_t from = (uintptr_t)user - 6;
    __asm__ volatile("movl (%q0), %k0" : "+r"(from));
    expect_read(user, -6);
}

/* Words that lie across an end, and vectors wherever they lie. */
TEST(reads_that_are_none) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    for (unsigned i = 0; i < 6; i++) {
        char *user = take_new(40);
        uint64_t from = (uintptr_t)user - 4;
        if (i == 0)
            (void)READ(long, user - 4);
        if (i == 1)
            (void)READ(long, user + 36);
        if (i == 2)
            __asm__ volatile("movq (%q0), %q0" : "+r"(from));
        if (i == 3)
            __asm__ volatile("movups -16(%0), %%xmm0" : : "r"(user) : "xmm0");
        if (i == 4)
            __asm__ volatile("movups -8(%0), %%xmm0" : : "r"(user) : "xmm0");
        if (i == 5)
            __asm__ volatile("pcmpeqb 32(%0), %%xmm0" : : "r"(user) : "xmm0");
        expect(0, i + 1);
    }
}

/* But in memmove, which reads nothing else than what it was asked for. */
TEST(vectors_in_memmove, .until = 3) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new(40);
    copies = true;
    if (_i == 0) {
        __asm__ volatile("movups -8(%0), %%xmm0" : : "r"(user) : "xmm0");
        expect_read(user, -8);
    } else if (_i == 1) {
        __asm__ volatile("movups 32(%0), %%xmm0" : : "r"(user) : "xmm0");
        expect_read(user, 40);
    } else { /* one of its kinds reads aligned ones across the ends */
        __asm__ volatile("movaps 32(%0), %%xmm0" : : "r"(user) : "xmm0");
        expect(0, 1);
    }
}

/* A block whose stops say nothing has its register no longer. */
TEST(a_block_that_is_often_passed_over) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new(40);
    for (unsigned i = 0; i < 100; i++)
        (void)READ(long, user + 36);
    ck_assert_uint_ge(stops, 1);
    ck_assert_uint_le(stops, 20);
    (void)READ(char, user - 1); /* the other one stands */
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 1);
}

TEST(writes, .from = HAK_GUARD_WATCH_READS, .until = HAK_GUARD_WATCH_ALL + 1) {
    if (!watch_newest(_i))
        return;
    char *user = take_new(40);
    *(volatile char *)(user + 41) = 'x';
    if (_i == HAK_GUARD_WATCH_READS) {
        expect(0, 1);
        return;
    }
    expect(1, 0);
    ck_assert_uint_eq(facts.access, HAK_ACCESS_WRITE);
    ck_assert_int_eq(facts.offset, 41);
}

/* Of blocks as odd as each other the newest three have one at their slack, and the newest one in
 * front. A block without slack takes none from them, nor has one that was given back any. */
TEST(which_blocks) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user[5];
    for (unsigned i = 0; i < 4; i++)
        user[i] = take_new(40);
    user[4] = take_new(48);
    (void)READ(char, user[0] + 40);
    for (unsigned i = 0; i < 4; i++)
        (void)READ(char, user[i] - 1);
    expect(0, 0);
    give_back(user[3]); /* compares what lies around it */
    expect(0, 0);
    (void)READ(char, user[3] + 40);
    expect(0, 0);
    (void)READ(char, user[1] + 40);
    (void)READ(char, user[2] + 40);
    expect(2, 0);
    (void)READ(char, user[4] - 1);
    expect(3, 0);
}

static void *read_it(void *user) {
    (void)READ(char, (char *)user + 40);
    return NULL;
}

TEST(no_other_thread_and_none_that_comes_late) {
    sigset_t trap;
    pthread_t thread;
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new(40);
    pthread_create(&thread, NULL, read_it, user);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(stops, 0);
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    sigprocmask(SIG_BLOCK, &trap, NULL);
    (void)READ(char, user + 40);
    sigprocmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 0);
    ck_assert_uint_eq(found[HAK_TRAPPED_LATE], 0);
}

TEST(a_forked_child_has_its_own) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    char *user = take_new(40);
    pid_t child = fork();
    if (child == 0) {
        hak_check_fork_child();
        (void)READ(char, user + 40);
        if (stops != 0)
            _exit(1);
        user = take_new(40);
        (void)READ(char, user + 40);
        _exit(found[HAK_TRAPPED_FAULT] == 1 ? 0 : 2);
    }
    ck_assert_int_eq(status_of(child), 0);
    (void)READ(char, user + 40);
    expect(1, 0);
}

/* After a while nothing stands, and nothing is open. */
TEST(nothing_stands_for_long) {
    if (!watch_newest(HAK_GUARD_WATCH_READS))
        return;
    (void)take_new(40);
    ck_assert(hak_watch_is_callers());
    for (clock_t end = clock() + 20 * CLOCKS_PER_SEC; hak_watch_is_callers() && clock() < end;)
        for (volatile int i = 0; i < 100000; i++)
            continue;
    ck_assert(!hak_watch_is_callers());
    ck_assert_uint_eq(found[HAK_TRAPPED_FAULT], 0);
}

RUN_TESTS()

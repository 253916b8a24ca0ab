/* Recognizes a call of the malloc family in a signal handler that interrupted another. */
#include <signal.h>
#include <stdlib.h>
#include "border.h"
#include "unit/suite.h"

/* As malloc, and a handler's. */
static __attribute__((noinline)) bool enter_deeper(void) {
    volatile char room[512];
    room[0] = 0;
    bool is_entered = hak_check_enter();
    return room[0] == 0 && is_entered;
}

static __attribute__((noinline)) void enter_and_be_left(void) {
    volatile char room[512];
    room[0] = 0;
    ck_assert(hak_check_enter() && room[0] == 0);
}

TEST(test_nested) {
    ck_assert(hak_check_enter());
    ck_assert(!enter_deeper());
    ck_assert(!enter_deeper());
    hak_check_leave();
    ck_assert(enter_deeper());
    hak_check_leave();
}

/* The function whose call it was has returned, as it does by longjmp. */
TEST(test_left) {
    enter_and_be_left();
    hak_inside.is_nested = true;
    ck_assert(hak_check_enter());
    ck_assert(!hak_inside.is_nested);
    hak_check_leave();
}

static bool is_entered_in_handler;

static void handle(int number) {
    (void)number;
    is_entered_in_handler = hak_check_enter();
}

TEST(test_alternate_stack) {
    enum { BYTES = 64 << 10 };
    static char memory[BYTES];
    stack_t stack = {.ss_sp = memory, .ss_size = BYTES};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    /* A call that stands below the alternate stack, as one on the stack of a thread may. */
    hak_inside.stack_pointer = 4096;
    is_entered_in_handler = true;
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert(!is_entered_in_handler);
    /* One on the alternate stack itself, which has returned. */
    hak_inside.stack_pointer = (uintptr_t)memory + 64;
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert(is_entered_in_handler);
    hak_check_leave();
}

RUN_TESTS()

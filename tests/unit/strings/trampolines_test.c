/* A call through a gate reaches its function with all arguments as they were, and comes back with
 * its result. */
#include "unit/guard/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "guard/touch.h"
#include "strings/libc.h"
#include "strings/strings.h"

static char printed[256];
static void *caller;

static int print(char *block, size_t bytes, const char *format, ...) {
    va_list list;
    va_start(list, format);
    caller = __builtin_return_address(0);
    int length = vsnprintf(printed, sizeof printed, format, list);
    va_end(list);
    block[0] = (char)bytes;
    return length;
}

static int64_t receive(int file, void *p, size_t bytes, int flags, void *from, void *length) {
    ck_assert_int_eq(file, 7);
    ck_assert_int_eq(flags, 11);
    ck_assert_ptr_eq(from, printed);
    ck_assert_ptr_eq(length, &caller);
    memset(p, 1, bytes);
    errno = EDOM;
    return (int64_t)bytes;
}

#define GATE(type, name) ((type)hak_string_gate(HAK_CALL_##name))
typedef int print_function(char *, size_t, const char *, ...);
typedef int64_t receive_function(int, void *, size_t, int, void *, void *);
typedef void *copy_function(void *, const void *, size_t);

static char *begin(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    ck_assert(hak_string_find_libc());
    hak_string_functions[HAK_CALL_snprintf] = (void *)print;
    hak_string_functions[HAK_CALL_vsnprintf] = (void *)vsnprintf;
    hak_string_functions[HAK_CALL_recvfrom] = (void *)receive;
    hak_string_functions[HAK_CALL_memcpy] = (void *)memcpy;
    return hand_out(slot_at(2, 0), 40, 0).p;
}

TEST(words_vectors_and_the_stack_go_through) {
    char *block = begin();
    print_function *volatile gate = GATE(print_function *, snprintf);
    static const char due[] = "1 2 3 4 5 0.5 1.5 2.5 3.5 4.5 5.5 6.5 7.5 8.5 9.5 6 7";
    for (unsigned bytes = 40; bytes <= 100; bytes += 60) { /* looked at shortly, and in full */
        int length = gate(block, bytes, "%d %d %d %d %d %g %g %g %g %g %g %g %g %g %g %d %d", 1, 2,
                          3, 4, 5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 6, 7);
        ck_assert_str_eq(printed, due);
        ck_assert_int_eq(length, (int)strlen(due));
        ck_assert_int_eq(block[0], (int)bytes);
        ck_assert_uint_eq(fault_count, bytes == 100);
    }
    ck_assert_uint_eq(last_fault()->call_bytes, sizeof due);
}

TEST(the_function_sees_its_caller) {
    char *block = begin();
    print_function *volatile gate = GATE(print_function *, snprintf);
    (void)gate(block, 1, "x");
    uintptr_t distance = (uintptr_t)caller - (uintptr_t)the_function_sees_its_caller;
    ck_assert_uint_lt(distance, 4096);
}

TEST(what_is_looked_at_afterwards_keeps_result_and_errno) {
    char *block = begin();
    receive_function *volatile gate = GATE(receive_function *, recvfrom);
    ck_assert_int_eq(gate(7, block, 40, 11, printed, &caller), 40);
    ck_assert_uint_eq(fault_count, 0);
    errno = 0;
    ck_assert_int_eq(gate(7, block, 41, 11, printed, &caller), 41);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->call_bytes, 41);
}

TEST(each_gate_is_its_own_row) {
    char *block = begin();
    copy_function *volatile gate = GATE(copy_function *, memcpy);
    ck_assert_ptr_eq(gate(block, "hello", 6), block);
    ck_assert_str_eq(block, "hello");
    ck_assert_ptr_eq(gate(block, printed, 41), block);
    struct hak_fault_facts fault = *last_fault(); /* has the name in itself: it must live on */
    ck_assert_str_eq(fault.call, "memcpy");
}

RUN_TESTS()

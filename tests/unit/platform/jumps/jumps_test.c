/* Jumps over the first instructions of functions: all are written, or none where the system
 * refuses. */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "platform/jumps/jumps.h"
#include "unit/barred.h"
#include "unit/suite.h"

#define FUNCTION __attribute__((noinline, aligned(16)))

FUNCTION static int first(int number) {
    __asm__ volatile("nop; nop; nop; nop; nop");
    return number + 1;
}
FUNCTION static int second(int number) {
    __asm__ volatile("nop; nop; nop; nop; nop");
    return number * 3;
}
/* As a compiler with -fcf-protection or -mbranch-protection begins a function. */
int marked(int number);
#if defined __x86_64__
__asm__(".text\n.p2align 4\n.globl marked\nmarked: endbr64\nleal 7(%rdi), %eax\nret\n");
#else
__asm__(".text\n.p2align 4\n.globl marked\n"
        "marked: hint #25\nadd w0, w0, #7\nhint #29\nret\n"); /* paciasp, autiasp */
#endif
FUNCTION static int other(int number) {
    __asm__ volatile("nop; nop; nop; nop; nop");
    return number - 100;
}

static const struct hak_jump jumps[] = {{(const void *)first, (const void *)other},
                                        {(const void *)second, (const void *)first},
                                        {(const void *)marked, (const void *)other}};

TEST(a_function_leads_to_another_one) {
    ck_assert_int_eq(first(1), 2);
    ck_assert_int_eq(hak_jumps_write(jumps, 3), 0);
    ck_assert_int_eq(first(1), -99);
    ck_assert_int_eq(second(1), -99); /* by the jump over the other one */
    ck_assert_int_eq(marked(1), -99);
    ck_assert_int_eq(other(1), -99);
}

TEST(where_the_system_refuses_all_stays) {
    static const unsigned calls[] = {SYS_mprotect, SYS_mremap};
    for (unsigned i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (!bar_calls(&calls[i], 1, EACCES))
                _exit(77);
            int error = hak_jumps_write(jumps, 3);
            _exit(error == EACCES && first(1) == 2 && second(1) == 3 && marked(1) == 8 ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77),
                      "call %u: status %x", calls[i], (unsigned)status);
    }
}

TEST(no_jump_is_none) {
    ck_assert_int_eq(hak_jumps_write(jumps, 0), 0);
    ck_assert_int_eq(first(1), 2);
}

RUN_TESTS()

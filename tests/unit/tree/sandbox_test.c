/* Calls that a sandbox would refuse are not made once the program is in it: those with arguments of
 * ours, too. */
#include "unit/suite.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "newer.h"
#include "platform/raw_call.h"

#define FIELD(name)  offsetof(struct seccomp_data, name)
#define LOAD(where)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, where)
#define IF_EQUAL(k)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* In a child under a filter that refuses this advice: is madvise made no more? */
static bool is_forbidden_with(int advice) {
    struct sock_filter code[] = {LOAD(FIELD(nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
                                 LOAD(FIELD(args) + 16),
                                 IF_EQUAL((uint32_t)advice),
                                 RETURN(SECCOMP_RET_ERRNO | 77),
                                 RETURN(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(2);
        _exit(hak_call_is_forbidden(SYS_madvise));
    }
    int status = WEXITSTATUS(status_of(child));
    ck_assert_int_ne(status, 2);
    return status == 1;
}

TEST(an_advice_that_is_refused_is_not_given) {
    ck_assert(is_forbidden_with(MADV_GUARD_INSTALL));
    ck_assert(is_forbidden_with(MADV_GUARD_REMOVE));
    ck_assert(is_forbidden_with(MADV_DONTNEED));
    ck_assert(!is_forbidden_with(MADV_SEQUENTIAL));
}

/* All calls are forbidden until the kernel says that it cannot read the filter. */
TEST(a_filter_that_the_kernel_refuses_forbids_nothing) {
    struct sock_filter *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sock_fprog program = {1, closed};
    ck_assert_ptr_ne(closed, MAP_FAILED);
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), -1);
    ck_assert_int_eq(errno, EFAULT);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, closed), -1);
    ck_assert_int_eq(errno, EFAULT);
    for (long number = 0; number < HAK_CALL_NUMBERS; number++)
        ck_assert(!hak_call_is_forbidden(number));
    ck_assert_int_eq(munmap(closed, 4096), 0);
}

RUN_TESTS()

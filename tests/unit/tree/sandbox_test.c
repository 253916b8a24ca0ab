/* Calls that a sandbox would refuse are not made once the program is in it: those with arguments of
 * ours, too. */
#include "unit/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/barred.h"
#include "newer.h"
#include "platform/raw_call.h"

#define FIELD(name)  offsetof(struct seccomp_data, name)
#define LOAD(where)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, where)
#define IF_EQUAL(k)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* A filter that answers with `action` to a call with this argument. */
#define FILTER(call, place, argument, action)                                                      \
    LOAD(FIELD(nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),                              \
        LOAD(FIELD(args) + 8 * (place)), IF_EQUAL((uint32_t)(argument)), RETURN(action),           \
        RETURN(SECCOMP_RET_ALLOW)

/* In a child under a filter that refuses the call with this argument: is it made no more? */
static bool is_forbidden_with(unsigned call, int place, int argument) {
    struct sock_filter code[] = {FILTER(call, place, argument, SECCOMP_RET_ERRNO | 77)};
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(2);
        _exit(hak_call_is_forbidden(call));
    }
    int status = WEXITSTATUS(status_of(child));
    ck_assert_int_ne(status, 2);
    return status == 1;
}

TEST(an_advice_that_is_refused_is_not_given) {
    ck_assert(is_forbidden_with(SYS_madvise, 2, MADV_GUARD_INSTALL));
    ck_assert(is_forbidden_with(SYS_madvise, 2, MADV_GUARD_REMOVE));
    ck_assert(is_forbidden_with(SYS_madvise, 2, MADV_DONTNEED));
    ck_assert(!is_forbidden_with(SYS_madvise, 2, MADV_SEQUENTIAL));
}

/* src/strings asks of a descriptor so. */
TEST(questions_about_a_descriptor_that_are_refused_are_not_asked) {
    ck_assert(is_forbidden_with(SYS_fcntl, 1, F_GETFL));
    ck_assert(!is_forbidden_with(SYS_fcntl, 1, F_GETLEASE));
    ck_assert(is_forbidden_with(SYS_getsockopt, 2, SO_TYPE));
    ck_assert(is_forbidden_with(SYS_getsockopt, 2, SO_DOMAIN));
    ck_assert(is_forbidden_with(SYS_getsockopt, 2, SO_SNDBUF));
    ck_assert(!is_forbidden_with(SYS_getsockopt, 2, SO_KEEPALIVE));
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

/* ---- two threads at once -----------------------------------------------------------------------
 */

/* Threads that enter a sandbox by prctl wait for an answer. */
static int have_entries_asked(void) {
    struct sock_filter code[] = {FILTER(SYS_prctl, 0, PR_SET_SECCOMP, SECCOMP_RET_USER_NOTIF)};
    return listen_to_calls(code, sizeof code / sizeof code[0]);
}

static void *enter_filter(void *program) {
    return (void *)(intptr_t)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program);
}

struct entry {
    pthread_t thread;
    uint64_t call;
};

/* A thread that is in the kernel to enter the filter. */
static struct entry begin_entry(int asked, struct sock_fprog *program) {
    struct entry entry;
    ck_assert_int_eq(pthread_create(&entry.thread, NULL, enter_filter, program), 0);
    entry.call = next_call(asked);
    ck_assert_uint_ne(entry.call, 0);
    return entry;
}

/* Has the kernel do it, or refuse it; returns what prctl did. */
static intptr_t end_entry(int asked, const struct entry *entry, bool is_refused) {
    void *result;
    ck_assert(answer_call(asked, entry->call, is_refused ? EFAULT : 0));
    ck_assert_int_eq(pthread_join(entry->thread, &result), 0);
    return (intptr_t)result;
}

static struct sock_filter no_madvise[] = {FILTER(SYS_madvise, 2, MADV_DONTNEED, SECCOMP_RET_ERRNO)};
static struct sock_fprog refuses_madvise = {sizeof no_madvise / sizeof no_madvise[0], no_madvise};

/* A filter that nobody can read: all calls are forbidden meanwhile. */
static struct sock_fprog *unreadable(void) {
    static struct sock_fprog program = {.len = 1};
    program.filter = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(program.filter, MAP_FAILED);
    return &program;
}

TEST(two_threads_that_are_refused_at_once_forbid_nothing) {
    int asked = have_entries_asked();
    if (asked < 0)
        LEAVE_OUT("the kernel lets nobody listen to a filter's calls");
    struct entry first = begin_entry(asked, unreadable());
    ck_assert(hak_call_is_forbidden(SYS_socket));
    struct entry second = begin_entry(asked, &refuses_madvise);
    ck_assert_int_eq(end_entry(asked, &first, true), -1);
    ck_assert(!hak_call_is_forbidden(SYS_socket));
    ck_assert(hak_call_is_forbidden(SYS_madvise));
    ck_assert_int_eq(end_entry(asked, &second, true), -1);
    for (long number = 0; number < HAK_CALL_NUMBERS; number++)
        ck_assert(!hak_call_is_forbidden(number));
}

TEST(a_thread_that_is_refused_leaves_what_another_ones_filter_forbids) {
    int asked = have_entries_asked();
    if (asked < 0)
        LEAVE_OUT("the kernel lets nobody listen to a filter's calls");
    struct entry first = begin_entry(asked, unreadable());
    struct entry second = begin_entry(asked, &refuses_madvise);
    ck_assert_int_eq(end_entry(asked, &second, false), 0);
    ck_assert_int_eq(end_entry(asked, &first, true), -1);
    for (long number = 0; number < HAK_CALL_NUMBERS; number++)
        ck_assert_int_eq(hak_call_is_forbidden(number), number == SYS_madvise);
}

static void *wait_in_filter(void *pipe_ends) {
    char byte;
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &refuses_madvise), 0);
    ck_assert_int_eq(write(((int *)pipe_ends)[3], "x", 1), 1);
    return (void *)read(((int *)pipe_ends)[0], &byte, 1);
}

/* The kernel answers with the number of a thread that has a filter of its own. */
TEST(a_filter_for_all_threads_that_one_of_them_hinders_forbids_nothing) {
    struct sock_filter code[] = {FILTER(SYS_mlock, 0, 0, SECCOMP_RET_ERRNO)};
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    pthread_t thread;
    int ends[4];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pipe(ends + 2), 0);
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_filter, ends), 0);
    ck_assert_int_eq(read(ends[2], &byte, 1), 1);
    ck_assert_int_gt(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program), 0);
    ck_assert(hak_call_is_forbidden(SYS_madvise));
    ck_assert(!hak_call_is_forbidden(SYS_mlock));
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

RUN_TESTS()

/* hak_filter_allows says of a seccomp filter what the kernel does with it. */
#include "unit/suite.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "platform/raw_call.h"
#include "platform/readable.h"
#include HAK_ARCH_FILE(context.h)
#include "tree/filter.h"

#define FIELD(name)  offsetof(struct seccomp_data, name)
#define LOAD(where)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, where)
#define IF_EQUAL(k)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define REFUSED      (SECCOMP_RET_ERRNO | 77)
#define ARGUMENT_1   (FIELD(args) + 8)

/* Calls that do nothing but fail, or tell, with these arguments. */
static const struct {
    long number;
    uint64_t arguments[6];
} calls[] = {
    {SYS_getpid, {0}},        {SYS_getppid, {0}},       {SYS_close, {999}},
    {SYS_dup, {998}},         {SYS_futex, {0, 1, 1}},   {SYS_futex, {0, 129, 1}},
    {SYS_lseek, {999, 3, 0}}, {SYS_lseek, {999, 4, 0}}, {SYS_getuid, {0}},
};
enum { CALLS = sizeof calls / sizeof calls[0] };

/* In a child under the filter: a bit for each call that is refused. Filters refuse nothing that the
 * end of the child needs. */
static int ask_kernel(struct sock_filter *code, unsigned count) {
    struct sock_fprog program = {(unsigned short)count, code};
    int answers[2], refused = 0;
    ck_assert_int_eq(pipe(answers), 0);
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(1);
        for (int i = 0; i < CALLS; i++) {
            const uint64_t *a = calls[i].arguments;
            errno = 0;
            if (syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 && errno == 77)
                refused |= 1 << i;
        }
        _exit(write(answers[1], &refused, sizeof refused) == sizeof refused ? 0 : 2);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_int_eq(read(answers[0], &refused, sizeof refused), (int)sizeof refused);
    close(answers[0]);
    close(answers[1]);
    return refused;
}

static int ask_ours(struct sock_filter *code, unsigned count) {
    struct hak_filter filter = {code, count};
    int refused = 0;
    for (int i = 0; i < CALLS; i++)
        if (!hak_filter_allows(&filter, calls[i].number, calls[i].arguments))
            refused |= 1 << i;
    return refused;
}

#define SAME(expected, ...)                                                                        \
    do {                                                                                           \
        struct sock_filter code[] = {__VA_ARGS__};                                                 \
        unsigned count = sizeof code / sizeof code[0];                                             \
        int kernel = ask_kernel(code, count);                                                      \
        ck_assert_int_eq(kernel, expected);                                                        \
        ck_assert_int_eq(ask_ours(code, count), kernel);                                           \
    } while (0)

TEST(numbers) {
    SAME(0, RETURN(SECCOMP_RET_ALLOW));
    SAME(1, LOAD(FIELD(nr)), IF_EQUAL(SYS_getpid), RETURN(REFUSED), RETURN(SECCOMP_RET_ALLOW));
    SAME(1 | 4, LOAD(FIELD(nr)), IF_EQUAL(SYS_getpid), RETURN(REFUSED), IF_EQUAL(SYS_close),
         RETURN(REFUSED), RETURN(SECCOMP_RET_ALLOW));
}

TEST(architecture_and_arguments) {
    SAME(0, LOAD(FIELD(arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HAK_CALL_ARCHITECTURE, 1, 0),
         RETURN(REFUSED), RETURN(SECCOMP_RET_ALLOW));
    SAME(1 << 7, LOAD(FIELD(nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 3),
         LOAD(ARGUMENT_1), IF_EQUAL(4), RETURN(REFUSED), RETURN(SECCOMP_RET_ALLOW));
    /* Bits, through the second register and memory. */
    SAME(1 << 5, LOAD(FIELD(nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 8),
         LOAD(ARGUMENT_1), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 128),
         BPF_STMT(BPF_LD | BPF_W | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_AND | BPF_X, 0),
         BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 1), RETURN(REFUSED),
         BPF_STMT(BPF_JMP | BPF_JA, 0), RETURN(SECCOMP_RET_ALLOW));
}

TEST(arithmetic) {
    /* ((nr << 3) + 5 - 5) / 8 ^ 1, compared with getpid's. */
    SAME(1, LOAD(FIELD(nr)), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 3),
         BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 5), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 5),
         BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 8), BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1),
         IF_EQUAL(SYS_getpid ^ 1), RETURN(REFUSED), RETURN(SECCOMP_RET_ALLOW));
    SAME(1 << 8, LOAD(FIELD(nr)), BPF_STMT(BPF_MISC | BPF_TAX, 0),
         BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 2), BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0),
         BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1), BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 0),
         BPF_STMT(BPF_ALU | BPF_NEG, 0), IF_EQUAL((uint32_t)-SYS_getuid), RETURN(REFUSED),
         RETURN(SECCOMP_RET_ALLOW));
}

TEST(actions) {
    static const struct {
        uint32_t action;
        bool allows;
    } known[] = {
        {SECCOMP_RET_ALLOW, true},        {SECCOMP_RET_LOG, true},
        {SECCOMP_RET_ERRNO | 1, false},   {SECCOMP_RET_TRAP, false},
        {SECCOMP_RET_TRACE, false},       {SECCOMP_RET_USER_NOTIF, false},
        {SECCOMP_RET_KILL_THREAD, false}, {SECCOMP_RET_KILL_PROCESS, false},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_IMM, known[i].action),
                                     BPF_STMT(BPF_RET | BPF_A, 0)};
        struct hak_filter filter = {code, 2};
        ck_assert_int_eq(hak_filter_allows(&filter, SYS_futex, calls[0].arguments),
                         known[i].allows);
    }
}

/* The kernel would refuse these; reading them must do no harm. */
TEST(broken_ones) {
    struct sock_filter far[] = {BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX)};
    struct sock_filter outside[] = {LOAD(UINT32_MAX - 1), BPF_STMT(BPF_ST, 9999),
                                    BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(REFUSED)};
    struct hak_filter filter = {far, 1};
    ck_assert(hak_filter_allows(&filter, SYS_futex, calls[0].arguments));
    filter = (struct hak_filter){outside, 4};
    ck_assert(!hak_filter_allows(&filter, SYS_futex, calls[0].arguments));
    filter = (struct hak_filter){outside, 0};
    ck_assert(hak_filter_allows(&filter, SYS_futex, calls[0].arguments));
}

static void go_on_behind(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    hak_context_set_ip(context, hak_copy_stopped);
}

/* Another thread closed it: the kernel may find it open. */
TEST(a_closed_one_allows_nothing) {
    struct sock_filter *code = mmap(NULL, HAK_READABLE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct hak_filter filter = {code, 1};
    struct sigaction action = {.sa_sigaction = go_on_behind, .sa_flags = SA_SIGINFO}, before;
    ck_assert_ptr_ne(code, MAP_FAILED);
    *code = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    ck_assert(hak_filter_allows(&filter, SYS_futex, calls[0].arguments));
    ck_assert_int_eq(sigaction(SIGSEGV, &action, &before), 0);
    ck_assert_int_eq(mprotect(code, HAK_READABLE_PAGE_BYTES, PROT_NONE), 0);
    ck_assert(!hak_filter_allows(&filter, SYS_futex, calls[0].arguments));
    ck_assert_int_eq(sigaction(SIGSEGV, &before, NULL), 0);
    ck_assert_int_eq(munmap(code, HAK_READABLE_PAGE_BYTES), 0);
}

RUN_TESTS()

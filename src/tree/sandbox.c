/* Notices that a program puts itself into a seccomp sandbox: from then on hakmem makes no system
 * call that the sandbox would not allow. Its records go on, since those need none.
 *
 *   prctl(PR_SET_SECCOMP), syscall(SYS_seccomp)   seen here, before the kernel gets them
 *   filter                                        run here for each call (filter.c)
 *                                                 -> hak_forbidden_calls (platform/raw_call.h)
 *
 * Strict seccomp (mode 1) bars the time stamp counter, too: nothing can be recorded in it.
 *
 * Without futex the doorbell does not ring and waiting is spinning: the collector looks every 50 ms
 * by itself, and what does not fit meanwhile is counted as lost, as ever. A filter of one thread
 * counts for all: hakmem asks less than it might, never more. Programs that are executed inside are
 * not recorded when they could not say hello. */
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include "memory_tags.h"
#include "newer.h"
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/readable.h"
#include "trace/memory/memory.h"
#include "tree/filter.h"
#include "trace/protocol.h"
#include "trace/ring/ring.h"
#include "tree/sandbox.h"
#include "trace/trace.h"
#include "trace/wait.h"

/* The system calls of a hello. */
static const short hello_calls[] = {SYS_memfd_create, SYS_ftruncate, SYS_socket,
                                    SYS_connect,      SYS_getresuid, SYS_getsockopt,
                                    SYS_sendmsg,      SYS_recvfrom,  SYS_mmap};

bool hak_sandbox_bars_hello(void) {
    for (size_t i = 0; i < sizeof hello_calls / sizeof hello_calls[0]; i++)
        if (hak_call_is_forbidden(hello_calls[i]))
            return true;
    return false;
}

/* A thread's attempt to enter a sandbox. Others may make theirs meanwhile: each takes back what it
 * noted itself. */
struct attempt {
    uint64_t forbids[HAK_CALL_NUMBERS / 64]; /* calls that it has noted */
    bool is_strict;
};

/* Notes that the library may not make this call any more. */
static void forbid(struct attempt *attempt, long number) {
    uint64_t *word = &attempt->forbids[number / 64], bit = (uint64_t)1 << (number % 64);
    if (number == SYS_exit_group || number == SYS_exit)
        return; /* a thread that makes them wants to end */
    if (!(*word & bit))
        atomic_fetch_add(&hak_forbidden_calls[number], 1);
    *word |= bit;
}

/* The same of all calls but those that strict seccomp lets through. */
static void forbid_all(struct attempt *attempt) {
    for (long number = 0; number < HAK_CALL_NUMBERS; number++)
        if (!attempt->is_strict || (number != SYS_read && number != SYS_write))
            forbid(attempt, number);
}

static void allow_again(const struct attempt *attempt) {
    for (long number = 0; number < HAK_CALL_NUMBERS; number++)
        if (attempt->forbids[number / 64] >> (number % 64) & 1)
            atomic_fetch_sub(&hak_forbidden_calls[number], 1);
}

/* Ways in which hakmem uses calls that filters like to look into; the first argument is the call.
 */
static const struct {
    long number;
    uint64_t arguments[6];
} uses[] = {
    {SYS_futex, {0, FUTEX_WAKE, 1}},
    {SYS_futex, {0, FUTEX_WAIT, 0}},
    {SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0}},
    {SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0}},
    {SYS_mprotect, {4096, 4096, PROT_NONE}},
    {SYS_mprotect, {4096, 4096, PROT_READ | PROT_WRITE}},
    {SYS_madvise, {4096, 4096, MADV_DONTNEED}},
    {SYS_madvise, {4096, 4096, MADV_GUARD_INSTALL}},
    {SYS_madvise, {4096, 4096, MADV_GUARD_REMOVE}},
    {SYS_madvise, {4096, 4096, MADV_KEEPONFORK}},
    {SYS_process_madvise, {(uint64_t)PIDFD_SELF, 4096, 2, MADV_DONTNEED, 0}},
    {SYS_rt_sigprocmask, {2, 4096, 4096, 8}},
    {SYS_rt_sigprocmask, {UINT64_MAX, 4096, 0, 8}},
    {SYS_prctl, {PR_GET_NAME, 4096}},
    {SYS_fcntl, {3, 3 /* F_GETFL */}},
    {SYS_fcntl, {3, 1030 /* F_DUPFD_CLOEXEC */, 64}},
    {SYS_fcntl, {3, 37 /* F_OFD_SETLK */, 4096}},
    {SYS_socket, {1, 1 | 02000000, 0}},
    {SYS_getsockopt, {3, SOL_SOCKET, SO_TYPE, 4096, 4096}},
    {SYS_getsockopt, {3, SOL_SOCKET, SO_DOMAIN, 4096, 4096}},
    {SYS_getsockopt, {3, SOL_SOCKET, SO_SNDBUF, 4096, 4096}},
};

/* Notes the calls that the filter does not let through, with arguments of 0 and as the library
 * makes them: all of them if it cannot be read. Another thread may open it before the kernel reads
 * it; else the kernel refuses, and finish takes that back. */
static void forbid_filtered(struct attempt *attempt, const struct sock_fprog *given) {
    static const uint64_t none[6];
    struct hak_readable known = HAK_READABLE_STACK;
    struct sock_fprog program;
    if (!given)
        return; /* a question whether there is seccomp */
    bool is_there = hak_copy_if_may(&known, &program, given, sizeof program);
    if (is_there && (!program.filter || program.len == 0))
        return;
    if (!is_there ||
        !hak_may_be_readable(&known, program.filter, program.len * sizeof *program.filter)) {
        forbid_all(attempt);
        return;
    }
    struct hak_filter filter = {program.filter, program.len};
    for (long number = 0; number < HAK_CALL_NUMBERS; number++)
        if (!hak_filter_allows(&filter, number, none))
            forbid(attempt, number);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (!hak_filter_allows(&filter, uses[i].number, uses[i].arguments))
            forbid(attempt, uses[i].number);
}

static void let_time_stand(uint64_t ticks) {
    __atomic_store_n(&hak_ticks_stand_still, ticks, __ATOMIC_RELAXED);
}

/* Threads that are in strict seccomp, or on their way. */
static _Atomic uint32_t strict_threads;

/* Notes that all calls but read and write are forbidden: the clock stands, and the collector sees
 * the process as strict and paused. */
static void forbid_strictly(struct attempt *attempt) {
    atomic_fetch_add(&strict_threads, 1);
    let_time_stand(hak_ticks() | 1);
    forbid_all(attempt);
    if (!hak_current_ready())
        return;
    atomic_fetch_or(&hak_current.process->flags, HAK_PROCESS_STRICT);
    atomic_store(&hak_clock_is_barred, 1);
    atomic_store(hak_current.alive, HAK_ALIVE_PAUSED);
}

/* The kernel refused the last of those threads. */
static void let_time_pass(void) {
    let_time_stand(0);
    if (atomic_exchange(&hak_clock_is_barred, 0)) {
        atomic_fetch_and(&hak_current.process->flags, ~(uint32_t)HAK_PROCESS_STRICT);
        atomic_store(hak_current.alive, HAK_ALIVE_GO);
    }
}

/* Does what must be done before the process enters a sandbox: gets a ring, and notes the calls that
 * will be forbidden. */
static struct attempt enter(bool is_strict, const struct sock_fprog *program) {
    struct attempt attempt = {.is_strict = is_strict};
    hak_prepare_for_sandbox();
    if (hak_current_ready() && !hak_writer.ring && !hak_writer.shared)
        (void)hak_ring_make_room(1); /* a ring of its own, while that can be had */
    if (is_strict)
        forbid_strictly(&attempt);
    else
        forbid_filtered(&attempt, program);
    return attempt;
}

/* Ends what enter began, and returns `result`. Where that is an error, what was noted is taken
 * back; else programs that cannot say hello any more are told that there is no session. */
static long finish(long result, const struct attempt *attempt) {
    if (result != 0) {
        if (attempt->is_strict && atomic_fetch_sub(&strict_threads, 1) == 1)
            let_time_pass();
        allow_again(attempt);
        return result;
    }
    if (hak_sandbox_bars_hello() && hak_current.session)
        hak_environment_set_session(HAK_SESSION_NONE);
    return result;
}

/* The program sets how memory tags are compared. The kernel goes on taking pointers that have some,
 * as those of blocks. A thread that compares nothing finds nothing, which is said once. */
static unsigned long with_tagged_addresses(unsigned long how) {
    static const char *const lines[] = {"hakmem: the program switches off the comparing of memory "
                                        "tags: accesses of this thread, and of those that it "
                                        "creates, are not compared from here on"};
    static _Atomic bool is_said;
    bool compares = (how & (HAK_TAGS_SYNC | HAK_TAGS_ASYNC)) != 0;
    if (hak_tags_are_given() && !compares && !atomic_exchange(&is_said, true))
        hak_options_say(lines, 1);
    return how | HAK_TAGS_ADDRESSES;
}

/* The program's prctl: for PR_SET_SECCOMP it notes first what the library may not call any more,
 * and takes it back when the kernel refuses. Returns as libc does. */
HAK_EXPORT int prctl(int what, ...) {
    unsigned long arguments[4];
    struct attempt attempt;
    va_list list;
    va_start(list, what);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    bool enters = what == PR_SET_SECCOMP && hak_is_own_process();
    if (hak_tags_are_known() && what == HAK_TAGS_SET_CONTROL)
        arguments[0] = with_tagged_addresses(arguments[0]);
    if (enters)
        attempt = enter(
            arguments[0] == SECCOMP_MODE_STRICT,
            arguments[0] == SECCOMP_MODE_FILTER ? (const struct sock_fprog *)arguments[1] : NULL);
    long result = hak_raw_call_always(SYS_prctl, what, (long)arguments[0], (long)arguments[1],
                                      (long)arguments[2], (long)arguments[3], 0);
    return (int)hak_libc_result(enters ? finish(result, &attempt) : result);
}

HAK_HIDDEN long hak_sandbox_seccomp(long number, long operation, long flags, void *argument);
HAK_HIDDEN long hak_syscall_fail(long result);

/* Makes the program's seccomp by syscall(): notes first what the library may not call any more, and
 * takes it back when the kernel refuses. Returns as libc does. */
long hak_sandbox_seccomp(long number, long operation, long flags, void *argument) {
    struct attempt attempt;
    bool is_strict = operation == SECCOMP_SET_MODE_STRICT;
    bool enters = (is_strict || operation == SECCOMP_SET_MODE_FILTER) && hak_is_own_process();
    if (enters)
        attempt = enter(is_strict, is_strict ? NULL : argument);
    long result = hak_raw_call_always(number, operation, flags, (long)argument, 0, 0, 0);
    if (!enters)
        return hak_libc_result(result);
    /* A number above 0 is a descriptor, or names a thread that cannot enter, which none does then.
     */
    bool names_thread = result > 0 && (flags & SECCOMP_FILTER_FLAG_TSYNC) &&
                        !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
    (void)finish(result < 0 || names_thread ? -1 : 0, &attempt);
    return hak_libc_result(result);
}

long hak_syscall_fail(long result) {
    return hak_libc_result(result);
}

/* libc's syscall(), instruction by instruction, but for some numbers: libseccomp and browsers enter
 * their sandboxes by it, bwrap and systemd-nspawn their namespaces (namespace.c). */
#include HAK_ARCH_FILE(syscall.h)

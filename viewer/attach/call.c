/* Has a thread of the program call a function as if a signal handler of it did: what the kernel
 * puts on the stack for a handler is put there from outside, and libc's own return from a handler
 * brings every register back, also when this command is killed in the middle.
 *
 *   the thread's stack   | what it has | 128 bytes that are its own | registers, mask, FPU |
 * restorer ^ rsp the function returns into the restorer: rt_sigreturn
 *
 * A system call that the stop interrupted is made again, as after a handler with SA_RESTART; waits
 * with a time limit begin anew. The first call maps memory; the others have their stack there. */
#include "viewer/attach/parts.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/growing.h"
#include "viewer/cli/cli.h"

enum {
    RED_ZONE = 128,
    STATE_BYTES_MAX = 64 << 10, /* of FPU and vector registers */
    STATE_MAGIC_AT = 464,       /* where the kernel describes them, in its own format */
    CALL_STACK_BYTES = 1 << 20,
    OTHERS_FIRST = 20, /* looks at all threads but the first */
    STOP_MS = 100,
    CALL_MS = 20000,
    LOOK_US = 2000,
    POLL_US = 50,
    RETURN_BYTES = 9, /* of the restorer's instructions */
};

/* ---- time ------------------------------------------------------------------------------------ */

static uint64_t now_ms(void) {
    return view_now_ns() / 1000000;
}

static void nap(unsigned us) {
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

/* ---- a thread -------------------------------------------------------------------------------- */

/* Waits for the next stop. False: none within `ms`, or the thread has ended (*status says). */
static bool await_stop(pid_t thread, unsigned ms, int *status) {
    uint64_t deadline = now_ms() + ms;
    for (;;) {
        pid_t got = waitpid(thread, status, __WALL | WNOHANG);
        if (got == thread)
            return WIFSTOPPED(*status);
        if ((got < 0 && errno != EINTR) || now_ms() > deadline) {
            *status = got < 0 ? 0 : -1;
            return false;
        }
        nap(POLL_US);
    }
}

/* ---- system calls that a stop ends -----------------------------------------------------------
 */

/* The kernel's own results, which a program never sees. */
enum { RESTARTSYS = 512, RESTARTNOINTR, RESTARTNOHAND, RESTART_RESTARTBLOCK = 516 };

/* System calls that end with EINTR where nothing was done yet, and can be made again. */
static bool may_be_made_again(uint64_t call) {
    switch (call) {
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
        return true;
    default:
        return false;
    }
}

static bool is_to_be_made_again(const struct user_regs_struct *r) {
    long result = (long)r->rax;
    return (long)r->orig_rax >= 0 && (result == -RESTARTSYS || result == -RESTARTNOINTR ||
                                      result == -RESTARTNOHAND || result == -RESTART_RESTARTBLOCK);
}

/* Some calls end with EINTR for the stop alone: the kernel is told to make them again. */
static void mend_call(pid_t thread) {
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, thread, NULL, &r) == 0 && (long)r.orig_rax >= 0 &&
        (long)r.rax == -EINTR && may_be_made_again(r.orig_rax))
        (void)ptrace(PTRACE_POKEUSER, thread, (void *)offsetof(struct user, regs.rax),
                     (void *)(long)-RESTARTNOHAND);
}

static bool is_event(int status, int event) {
    return status >> 16 == event;
}

enum traced {
    NOT_TRACED,
    RUNS,
    STANDS,  /* in a stop that is not ours */
    IS_OURS, /* between two of its instructions, or behind a system call */
};

/* Stops a thread. Signals that come first are passed on. */
static enum traced stop(pid_t thread) {
    int status;
    if (ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD) != 0)
        return NOT_TRACED;
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0)
        return RUNS;
    while (await_stop(thread, STOP_MS, &status)) {
        mend_call(thread); /* for a signal without a handler; one with it ends the call */
        if (is_event(status, PTRACE_EVENT_STOP)) /* or the program is being stopped by a signal */
            return WSTOPSIG(status) == SIGTRAP ? IS_OURS : STANDS;
        if (ptrace(PTRACE_CONT, thread, NULL, (void *)(long)WSTOPSIG(status)) != 0)
            return RUNS;
    }
    return RUNS;
}

/* Lets go of a thread. The kernel does so only where it stands; and it must be known to, or nobody
 * mends the call that the stop ends. */
static void let_go(pid_t thread, enum traced traced) {
    int status, number = 0;
    if (traced == NOT_TRACED)
        return;
    if (traced == RUNS) {
        (void)ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
        if (!await_stop(thread, CALL_MS, &status))
            return;
        mend_call(thread);
        bool is_signal =
            !is_event(status, PTRACE_EVENT_STOP) && WSTOPSIG(status) != (SIGTRAP | 0x80);
        number = is_signal ? WSTOPSIG(status) : 0;
    }
    (void)ptrace(PTRACE_DETACH, thread, NULL, (void *)(long)number);
}

/* ---- what the kernel puts down for a handler ------------------------------------------------- */

/* x86-64's, as the kernel has it. */
struct kernel_context {
    uint64_t flags, link;
    struct {
        uint64_t start;
        int32_t flags, unused;
        uint64_t bytes;
    } stack;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
    uint64_t eflags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, state, reserved[8];
    uint64_t mask;
};
_Static_assert(sizeof(struct kernel_context) == 304, "x86-64's ucontext");

enum {
    HAS_STATE = 1,
    HAS_SS = 2,
    STRICT_SS = 4,
    NO_STACK = 0x40000001, /* no alternate stack: an impossible value, which changes nothing */
};

static const uint64_t synchronous = 1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1) |
                                    1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) |
                                    1ull << (SIGSEGV - 1);

struct stopped {
    pid_t thread;
    struct user_regs_struct registers;
    uint64_t mask;
    unsigned char state[STATE_BYTES_MAX];
    size_t state_bytes;
};

static bool read_stopped(struct stopped *s, pid_t thread) {
    struct iovec state = {s->state, sizeof s->state};
    s->thread = thread;
    if (ptrace(PTRACE_GETREGS, thread, NULL, &s->registers) != 0 ||
        ptrace(PTRACE_GETSIGMASK, thread, (void *)sizeof s->mask, &s->mask) != 0 ||
        ptrace(PTRACE_GETREGSET, thread, (void *)NT_X86_XSTATE, &state) != 0)
        return false;
    s->state_bytes = state.iov_len;
    if (is_to_be_made_again(&s->registers)) {
        s->registers.rax = s->registers.orig_rax;
        s->registers.rip -= 2; /* syscall */
    }
    return true;
}

/* The state in the format that rt_sigreturn takes: with its own size in it, and a word behind it.
 */
static size_t describe_state(struct stopped *s) {
    enum { MAGIC1 = 0x46505853, MAGIC2 = 0x46505845 };
    uint64_t features;
    uint32_t words[2] = {MAGIC1, (uint32_t)s->state_bytes + sizeof(uint32_t)};
    uint32_t bytes = (uint32_t)s->state_bytes, magic2 = MAGIC2;
    if (s->state_bytes < 576 || s->state_bytes > sizeof s->state - sizeof magic2)
        return 0;
    memcpy(&features, s->state + STATE_MAGIC_AT, sizeof features);
    memset(s->state + STATE_MAGIC_AT, 0, 48);
    memcpy(s->state + STATE_MAGIC_AT, words, sizeof words);
    memcpy(s->state + STATE_MAGIC_AT + 8, &features, sizeof features);
    memcpy(s->state + STATE_MAGIC_AT + 16, &bytes, sizeof bytes);
    memcpy(s->state + s->state_bytes, &magic2, sizeof magic2);
    return s->state_bytes + sizeof magic2;
}

static struct kernel_context context_of(const struct stopped *s, uint64_t state_at) {
    const struct user_regs_struct *r = &s->registers;
    return (struct kernel_context){
        .flags = HAS_STATE | HAS_SS | STRICT_SS,
        .stack = {.flags = NO_STACK},
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rdi = r->rdi,
        .rsi = r->rsi,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .rdx = r->rdx,
        .rax = r->rax,
        .rcx = r->rcx,
        .rsp = r->rsp,
        .rip = r->rip,
        .eflags = r->eflags,
        .cs = (uint16_t)r->cs,
        .ss = (uint16_t)r->ss,
        .state = state_at,
        .mask = s->mask,
    };
}

/* Puts all of it below `top`. Returns where the context lies, 0 = it cannot be written. */
static uint64_t put_frame(const struct caller *c, struct stopped *s, uint64_t top) {
    size_t state_bytes = describe_state(s);
    uint64_t state_at = (top - state_bytes) & ~(uint64_t)63;
    uint64_t context_at = (state_at - sizeof(struct kernel_context)) & ~(uint64_t)15;
    struct kernel_context context = context_of(s, state_at);
    uint64_t return_at = context_at - sizeof c->restorer;
    if (!state_bytes || !process_write(c->process, state_at, s->state, state_bytes) ||
        !process_write(c->process, context_at, &context, sizeof context) ||
        !process_write(c->process, return_at, &c->restorer, sizeof c->restorer))
        return 0;
    return context_at;
}

/* ---- the call -------------------------------------------------------------------------------- */

/* In the thread's system call `rt_sigreturn`, with our context. */
static bool is_back(pid_t thread, uint64_t context_at) {
    struct user_regs_struct r;
    return ptrace(PTRACE_GETREGS, thread, NULL, &r) == 0 && r.orig_rax == SYS_rt_sigreturn &&
           r.rsp == context_at;
}

/* The function has met a fault of its own: the thread goes on where it was. */
static enum call_result take_out(const struct caller *c, pid_t thread, uint64_t context_at) {
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, thread, NULL, &r) == 0) {
        r.rip = c->restorer;
        r.rsp = context_at;
        r.orig_rax = (unsigned long long)-1;
        (void)ptrace(PTRACE_SETREGS, thread, NULL, &r);
    }
    return CALL_CRASHED;
}

/* Follows the thread until the kernel has put back what it had. */
static enum call_result follow(struct caller *c, pid_t thread, uint64_t context_at) {
    uint64_t deadline = now_ms() + CALL_MS;
    bool is_returning = false;
    int status, passed_on = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(long)passed_on) != 0)
            return CALL_NOT_BACK;
        passed_on = 0;
        uint64_t now = now_ms();
        if (!await_stop(thread, now < deadline ? (unsigned)(deadline - now) : 0, &status)) {
            c->has_ended = status >= 0;
            return CALL_NOT_BACK;
        }
        int number = WSTOPSIG(status);
        if (is_event(status, PTRACE_EVENT_STOP))
            continue;
        if (number != (SIGTRAP | 0x80)) {
            if (number < 32 && (synchronous >> (number - 1) & 1))
                return take_out(c, thread, context_at);
            /* All others are blocked, but SIGSTOP: it stops the program, and this thread when it is
             * let go. */
            passed_on = number == SIGSTOP ? number : 0;
            continue;
        }
        if (is_returning)
            return CALL_DONE;
        is_returning = is_back(thread, context_at);
    }
}

/* What libc keeps for a thread, and a call may change. */
struct kept_words {
    int errno_value;
    uint64_t dlerror_value;
    uint64_t errno_at, dlerror_at; /* 0 = not known */
};

/* dlopen frees what an earlier one left for dlerror, unless it is hidden meanwhile. */
static struct kept_words keep_words(const struct caller *c, const struct stopped *s) {
    struct kept_words kept = {0};
    uint64_t base = s->registers.fs_base, none = 0;
    uint64_t errno_at = base + c->errno_at, dlerror_at = base + c->dlerror_at;
    if (c->errno_at &&
        process_read(c->process, errno_at, &kept.errno_value, sizeof kept.errno_value))
        kept.errno_at = errno_at;
    if (c->dlerror_at &&
        process_read(c->process, dlerror_at, &kept.dlerror_value, sizeof kept.dlerror_value) &&
        kept.dlerror_value && process_write(c->process, dlerror_at, &none, sizeof none))
        kept.dlerror_at = dlerror_at;
    return kept;
}

static void put_words_back(const struct caller *c, const struct kept_words *kept) {
    if (kept->errno_at)
        (void)process_write(c->process, kept->errno_at, &kept->errno_value,
                            sizeof kept->errno_value);
    if (kept->dlerror_at)
        (void)process_write(c->process, kept->dlerror_at, &kept->dlerror_value,
                            sizeof kept->dlerror_value);
}

static enum call_result call_there(struct caller *c, pid_t thread, uint64_t function,
                                   const uint64_t *arguments, unsigned count) {
    static struct stopped s;
    uint64_t all = ~synchronous;
    if (!read_stopped(&s, thread))
        return CALL_FAILED;
    uint64_t top = c->stack ? c->stack + CALL_STACK_BYTES : s.registers.rsp - RED_ZONE;
    uint64_t context_at = put_frame(c, &s, top);
    if (!context_at)
        return CALL_FAILED;
    struct user_regs_struct r = s.registers;
    unsigned long long *const place[] = {&r.rdi, &r.rsi, &r.rdx, &r.rcx, &r.r8, &r.r9};
    for (unsigned i = 0; i < count; i++)
        *place[i] = arguments[i];
    r.rip = function;
    r.rsp = context_at - sizeof c->restorer;
    r.rax = 0;
    r.orig_rax = (unsigned long long)-1;
    r.eflags &= ~(uint64_t)(1 << 8 | 1 << 10 | 1 << 16); /* trap, direction, resume */
    struct kept_words kept = keep_words(c, &s);
    /* From here on the thread comes back by itself, whatever becomes of this command. */
    if (ptrace(PTRACE_SETREGS, thread, NULL, &r) != 0) {
        put_words_back(c, &kept);
        return CALL_FAILED;
    }
    (void)ptrace(PTRACE_SETSIGMASK, thread, (void *)sizeof all, &all);
    enum call_result result = follow(c, thread, context_at);
    if (result == CALL_NOT_BACK)
        c->stack = 0; /* it is in use */
    if (result == CALL_DONE)
        put_words_back(c, &kept);
    return result;
}

/* ---- which thread ---------------------------------------------------------------------------- */

struct threads {
    pid_t *list;
    uint32_t count, capacity;
};

/* The first thread comes last: while it is traced, a signal that the process ignores (SIGCHLD) is
 * not ignored by the kernel, and ends system calls of other threads. */
static void read_threads(const struct process *p, struct threads *threads) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)p->pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        pid_t thread = atoi(entry->d_name);
        if (thread > 0 && thread != p->pid &&
            hak_growing_make_room(&threads->list, threads->count, &threads->capacity,
                                  sizeof *threads->list))
            threads->list[threads->count++] = thread;
    }
    if (folder)
        closedir(folder);
    if (hak_growing_make_room(&threads->list, threads->count, &threads->capacity,
                              sizeof *threads->list))
        threads->list[threads->count++] = p->pid;
}

/* False: no thread of the program could be asked. */
static bool try_threads(struct caller *c, uint64_t function, const uint64_t *arguments,
                        unsigned count, bool spares_first, enum call_result *result) {
    struct threads threads = {0};
    bool is_done = false, was_asked = false;
    read_threads(c->process, &threads);
    if (threads.count > 1 && spares_first)
        threads.count--;
    for (uint32_t i = 0; i < threads.count && !is_done; i++) {
        pid_t thread = threads.list[i];
        errno = 0;
        enum traced traced = stop(thread);
        was_asked = was_asked || traced != NOT_TRACED || errno != EPERM;
        if (traced == IS_OURS && process_read_mappings(c->process) &&
            places_renew(&c->places, c->process) &&
            places_are_safe(&c->places, c->process, thread)) {
            *result = call_there(c, thread, function, arguments, count);
            traced = *result == CALL_NOT_BACK ? RUNS : traced;
            is_done = true;
        }
        let_go(thread, traced);
    }
    free(threads.list);
    return is_done || was_asked;
}

static enum call_result look_for_moment(struct caller *c, uint64_t function,
                                        const uint64_t *arguments, unsigned count, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    enum call_result result = CALL_NO_MOMENT;
    unsigned tries = 0;
    do {
        if (!process_is_there(c->process)) {
            c->has_ended = true;
            return CALL_NO_MOMENT;
        }
        if (!try_threads(c, function, arguments, count, tries < OTHERS_FIRST, &result)) {
            errno = EPERM;
            return CALL_FAILED;
        }
        if (result == CALL_FAILED && !process_is_there(c->process)) {
            c->has_ended = true;
            return CALL_NO_MOMENT;
        }
        if (result == CALL_NO_MOMENT)
            nap(LOOK_US);
        tries++;
    } while (result == CALL_NO_MOMENT && now_ms() < deadline);
    return result;
}

static enum call_result make_stack(struct caller *c, unsigned ms) {
    uint64_t map = module_find(&c->places.libc, "mmap");
    uint64_t at = process_free_address(c->process, CALL_STACK_BYTES);
    uint64_t arguments[] = {at,
                            CALL_STACK_BYTES,
                            PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                            (uint64_t)-1,
                            0};
    errno = ENOMEM;
    enum call_result result = map && at ? look_for_moment(c, map, arguments, 6, ms) : CALL_FAILED;
    if (result != CALL_DONE)
        return result;
    if (!process_read_mappings(c->process) || !process_mapping_at(c->process, at))
        return CALL_FAILED;
    c->stack = at;
    return CALL_DONE;
}

enum call_result caller_prepare(struct caller *c, unsigned ms) {
    return c->stack ? CALL_DONE : make_stack(c, ms);
}

enum call_result caller_call(struct caller *c, uint64_t function, const uint64_t *arguments,
                             unsigned count, unsigned ms) {
    enum call_result result = caller_prepare(c, ms);
    return result == CALL_DONE ? look_for_moment(c, function, arguments, count, ms) : result;
}

/* ---- begin ----------------------------------------------------------------------------------- */

/* Where libc returns from handlers; the function has no name that is exported. */
static uint64_t find_restorer(const struct caller *c) {
    static const unsigned char code[RETURN_BYTES] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    uint64_t found = 0;
    for (uint32_t i = 0; i < c->process->mappings && !found; i++) {
        const struct mapping *m = &c->process->mapping[i];
        size_t bytes = m->end - m->start;
        unsigned char *text = NULL;
        if (m->is_executable && strcmp(m->path, c->places.libc.path) == 0)
            text = malloc(bytes);
        if (text && process_read(c->process, m->start, text, bytes)) {
            unsigned char *at = memmem(text, bytes, code, sizeof code);
            found = at ? m->start + (uint64_t)(at - text) : 0;
        }
        free(text);
    }
    return found;
}

/* __errno_location is: mov slot(%rip), %rax; add %fs:0, %rax; ret. */
static uint64_t find_errno(const struct caller *c) {
    unsigned char code[16];
    uint64_t at = module_find(&c->places.libc, "__errno_location"), offset = 0;
    int32_t slot;
    static const unsigned char entry[] = {0xf3, 0x0f, 0x1e, 0xfa};
    if (!at || !process_read(c->process, at, code, sizeof code))
        return 0;
    if (memcmp(code, entry, sizeof entry) == 0) {
        at += sizeof entry;
        if (!process_read(c->process, at, code, sizeof code))
            return 0;
    }
    static const unsigned char load[] = {0x48, 0x8b, 0x05};
    if (memcmp(code, load, sizeof load) != 0)
        return 0;
    memcpy(&slot, code + sizeof load, sizeof slot);
    (void)process_read(c->process, at + 7 + (uint64_t)(int64_t)slot, &offset, sizeof offset);
    return offset;
}

/* In dlerror stands: mov slot(%rip), %R; mov %fs:(%R), %S. Its first such word holds 0, or where
 * what the thread's next dlerror says lies. */
static uint64_t find_dlerror(const struct caller *c) {
    enum { LOAD_BYTES = 7, BYTES = 256, REGISTER = 7, NEEDS_MORE = 4, HAS_NO_REGISTER = 5 };
    unsigned char code[BYTES];
    uint64_t at = module_find(&c->places.libc, "dlerror"), offset = 0;
    if (!at || !process_read(c->process, at, code, sizeof code))
        return 0;
    for (unsigned i = 0; i + LOAD_BYTES + 4 <= BYTES; i++) {
        const unsigned char *load = code + i, *use = load + LOAD_BYTES;
        unsigned to = load[2] >> 3 & REGISTER;
        int32_t slot;
        if (load[0] != 0x48 || load[1] != 0x8b || (load[2] & 0xc7) != 0x05 || to == NEEDS_MORE ||
            to == HAS_NO_REGISTER || use[0] != 0x64 || (use[1] & 0xfb) != 0x48 || use[2] != 0x8b ||
            (use[3] & 0xc7) != to)
            continue;
        memcpy(&slot, load + 3, sizeof slot);
        uint64_t slot_at = at + i + LOAD_BYTES + (uint64_t)(int64_t)slot;
        return process_read(c->process, slot_at, &offset, sizeof offset) ? offset : 0;
    }
    return 0;
}

bool caller_open(struct caller *c, struct process *p) {
    *c = (struct caller){.process = p};
    if (!places_open(&c->places, p))
        return false;
    c->restorer = find_restorer(c);
    c->errno_at = find_errno(c);
    c->dlerror_at = find_dlerror(c);
    if (c->restorer)
        return true;
    if (!process_say_gone(p))
        view_error("record: process %d (%s) has a C library that this command does not know",
                   (int)p->pid, p->name);
    places_close(&c->places);
    return false;
}

/* The stack goes back by a call on the thread's own one. */
static void give_stack_back(struct caller *c) {
    enum { GIVE_BACK_MS = 2000 };
    uint64_t arguments[] = {c->stack, CALL_STACK_BYTES};
    uint64_t unmap = module_find(&c->places.libc, "munmap");
    c->stack = 0;
    if (unmap && !c->has_ended)
        (void)look_for_moment(c, unmap, arguments, 2, GIVE_BACK_MS);
}

void caller_close(struct caller *c) {
    if (c->stack)
        give_stack_back(c);
    places_close(&c->places);
}

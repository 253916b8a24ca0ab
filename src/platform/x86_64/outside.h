/* Reads and sets the registers of a thread of x86-64 that stands in a stop of ptrace, and describes
 * them as the kernel does for a handler of a signal: rt_sigreturn brings them back (viewer/attach).
 */
#ifndef HAK_PLATFORM_X86_64_OUTSIDE_H
#define HAK_PLATFORM_X86_64_OUTSIDE_H

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include "interrupted.h"
#include "platform/x86_64/traced.h"
#include "platform/x86_64/xsave.h"

#define HAK_OUTSIDE_CALLS true /* a thread can be made to call a function */

/* Where libc's handlers return to: mov $15, %rax; syscall. And how a system call ends. */
/* clang-format off */
#define HAK_OUTSIDE_RESTORER {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}
#define HAK_OUTSIDE_SYSCALL {0x0f, 0x05}
/* clang-format on */

enum {
    HAK_OUTSIDE_RED_ZONE = 128,
    HAK_OUTSIDE_STATE_MOST = 64 << 10, /* of FPU and vector registers */
    HAK_OUTSIDE_STATE_MAGIC = 464,     /* where the kernel describes them, in its own format */
};

struct hak_outside_thread {
    pid_t thread;
    struct user_regs_struct registers;
    uint64_t mask;
    unsigned char state[HAK_OUTSIDE_STATE_MOST];
    size_t state_bytes;
};

/* The frame that the kernel puts down for a handler. */
struct hak_outside_context {
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
_Static_assert(sizeof(struct hak_outside_context) == 304, "x86-64's ucontext");

/* The kernel's own results, which a program never sees. */
enum { HAK_RESTARTSYS = 512, HAK_RESTARTNOINTR, HAK_RESTARTNOHAND, HAK_RESTART_RESTARTBLOCK = 516 };

/* Whether the kernel makes the system call again that the stop has ended. */
static inline bool hak_outside_has_ended_call(const struct user_regs_struct *r) {
    long result = (long)r->rax;
    return (long)r->orig_rax >= 0 &&
           (result == -HAK_RESTARTSYS || result == -HAK_RESTARTNOINTR ||
            result == -HAK_RESTARTNOHAND || result == -HAK_RESTART_RESTARTBLOCK);
}

/* Lets the kernel make a call again that ended with EINTR for the stop alone. */
static inline void hak_outside_mend_call(pid_t thread) {
    struct user_regs_struct r;
    if (hak_traced_registers(thread, &r) && (long)r.orig_rax >= 0 && (long)r.rax == -EINTR &&
        hak_call_may_be_made_again(r.orig_rax))
        (void)ptrace(PTRACE_POKEUSER, thread, (void *)offsetof(struct user, regs.rax),
                     (void *)(long)-HAK_RESTARTNOHAND);
}

/* Reads the stopped thread's registers, mask and vector state; a system call that the stop ended is
 * set up to be made again. */
static inline bool hak_outside_read(struct hak_outside_thread *s, pid_t thread) {
    struct iovec state = {s->state, sizeof s->state};
    s->thread = thread;
    if (!hak_traced_registers(thread, &s->registers) ||
        ptrace(PTRACE_GETSIGMASK, thread, (void *)sizeof s->mask, &s->mask) != 0 ||
        ptrace(PTRACE_GETREGSET, thread, (void *)NT_X86_XSTATE, &state) != 0)
        return false;
    s->state_bytes = state.iov_len;
    if (hak_outside_has_ended_call(&s->registers)) {
        s->registers.rax = s->registers.orig_rax;
        s->registers.rip -= 2; /* syscall */
    }
    return true;
}

/* Puts the state into the format that rt_sigreturn takes: with its own size in it, and a word
 * behind it. Returns its bytes; 0: of a size that cannot be.
 *
 * The size ends with the last part in use. PTRACE_GETREGSET gives room for all that the processor
 * has, tiles (AMX) among them. Where the thread has never used tiles, rt_sigreturn takes so large a
 * state for one of x87 and SSE alone, and the vector registers would be lost. */
static inline size_t hak_outside_describe_state(struct hak_outside_thread *s) {
    enum { MAGIC1 = 0x46505853, MAGIC2 = 0x46505845 };
    uint64_t features;
    uint32_t magic2 = MAGIC2;
    if (s->state_bytes < HAK_XSAVE_LEAST || s->state_bytes > sizeof s->state - sizeof magic2)
        return 0;
    size_t in_use = hak_xsave_bytes_of(hak_xsave_in_use(s->state));
    if (in_use > s->state_bytes)
        return 0;
    s->state_bytes = in_use;
    uint32_t bytes = (uint32_t)in_use, words[2] = {MAGIC1, bytes + sizeof magic2};
    unsigned char *at = s->state + HAK_OUTSIDE_STATE_MAGIC;
    memcpy(&features, at, sizeof features);
    features = hak_xsave_within(features, in_use);
    memset(at, 0, 48);
    memcpy(at, words, sizeof words);
    memcpy(at + 8, &features, sizeof features);
    memcpy(at + 16, &bytes, sizeof bytes);
    memcpy(s->state + s->state_bytes, &magic2, sizeof magic2);
    return s->state_bytes + sizeof magic2;
}

/* The signal frame's context that gives the thread back what it had. */
static inline struct hak_outside_context hak_outside_context_of(const struct hak_outside_thread *s,
                                                                uint64_t state_at) {
    enum { HAS_STATE = 1, HAS_SS = 2, STRICT_SS = 4 };
    enum { NO_STACK = 0x40000001 }; /* no alternate stack: an impossible value changes nothing */
    const struct user_regs_struct *r = &s->registers;
    return (struct hak_outside_context){
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

/* Has the thread call a function, whose return address lies at `sp`, when it goes on. */
static inline bool hak_outside_enter(const struct hak_outside_thread *s, uint64_t function,
                                     const uint64_t *arguments, unsigned count, uint64_t sp) {
    struct user_regs_struct r = s->registers;
    unsigned long long *const place[] = {&r.rdi, &r.rsi, &r.rdx, &r.rcx, &r.r8, &r.r9};
    for (unsigned i = 0; i < count; i++)
        *place[i] = arguments[i];
    r.rip = function;
    r.rsp = sp;
    r.rax = 0;
    r.orig_rax = (unsigned long long)-1;
    r.eflags &= ~(uint64_t)(1 << 8 | 1 << 10 | 1 << 16); /* trap, direction, resume */
    return ptrace(PTRACE_SETREGS, s->thread, NULL, &r) == 0;
}

/* Whether the thread is in rt_sigreturn with this context, so that the call is done. */
static inline bool hak_outside_is_returning(pid_t thread, uint64_t context_at) {
    struct user_regs_struct r;
    return hak_traced_registers(thread, &r) && r.orig_rax == SYS_rt_sigreturn &&
           r.rsp == context_at;
}

/* Has it go there at once. */
static inline void hak_outside_return(pid_t thread, uint64_t restorer, uint64_t context_at) {
    struct user_regs_struct r;
    if (!hak_traced_registers(thread, &r))
        return;
    r.rip = restorer;
    r.rsp = context_at;
    r.orig_rax = (unsigned long long)-1;
    (void)ptrace(PTRACE_SETREGS, thread, NULL, &r);
}

#endif

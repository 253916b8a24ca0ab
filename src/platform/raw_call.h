/* System calls without libc: errno stays as it is, nothing can be interposed by the program and no
 * relocation is needed that ld.so would still have to resolve.
 *
 * Thread and signal safety: all of these are async-signal-safe. */
#ifndef HAK_PLATFORM_RAW_CALL_H
#define HAK_PLATFORM_RAW_CALL_H

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "hop.h"
#include "platform/own.h"

/* System calls that a sandbox in which the program has put itself does not allow, some of them at
 * the price of its life: by each number how many threads' sandboxes do so. Set by tree/sandbox.c in
 * the debug build. Weak, since parts of hakmem are linked without it. */
enum { HAK_CALL_NUMBERS = 512 };
HAK_HIDDEN extern _Atomic uint32_t hak_forbidden_calls[HAK_CALL_NUMBERS];
__attribute__((weak)) _Atomic uint32_t hak_forbidden_calls[HAK_CALL_NUMBERS];

/* Called one after the other before the program enters a sandbox; NULL = nothing to do. Weak, as
 * above. */
enum hak_sandbox_step {
    HAK_SANDBOX_WATCH,      /* ends the debug registers */
    HAK_SANDBOX_PAGES,      /* opens closed pages for good */
    HAK_SANDBOX_STOCK,      /* fetches memory while it can be mapped */
    HAK_SANDBOX_BACKGROUND, /* ends the thread that gives memory back */
    HAK_SANDBOX_STEPS,
};
HAK_HIDDEN extern void (*hak_sandbox_steps[HAK_SANDBOX_STEPS])(void);
__attribute__((weak)) void (*hak_sandbox_steps[HAK_SANDBOX_STEPS])(void);

static inline void hak_prepare_for_sandbox(void) {
    for (unsigned i = 0; i < HAK_SANDBOX_STEPS; i++)
        if (hak_sandbox_steps[i])
            hak_sandbox_steps[i]();
}

/* True after the program's seccomp filter was found to forbid the call (hak_forbidden_calls). */
static inline bool hak_call_is_forbidden(long number) {
    return HAK_UNLIKELY(atomic_load_explicit(&hak_forbidden_calls[number % HAK_CALL_NUMBERS],
                                             memory_order_relaxed) != 0);
}

#include HAK_ARCH_FILE(call.h)

/* The same for hakmem's own purposes, with as many arguments as it takes, numbers or pointers:
 * -EPERM, without a call, in a sandbox that would not allow it. */
#define hak_raw_call(...) HAK_SIX_ARGUMENTS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define HAK_SIX_ARGUMENTS(number, a, b, c, d, e, f, ...)                                           \
    hak_raw_call_of_six(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Makes a system call, unless a sandbox is known to forbid it: then -EPERM. */
static inline long hak_raw_call_of_six(long number, long a, long b, long c, long d, long e,
                                       long f) {
    if (hak_sees_sandboxes && hak_call_is_forbidden(number))
        return -1; /* EPERM */
    return hak_raw_call_always(number, a, b, c, d, e, f);
}

/* A system call's result as libc's functions give it: -1, and errno, for an error. */
static inline long hak_libc_result(long result) {
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

/* Maps fresh zeroed private memory of `bytes` (rounded up by the kernel to pages) with `protection`
 * and `extra_flags` of mmap; NULL when none is left. */
static inline void *hak_raw_map_as(size_t bytes, int protection, int extra_flags) {
    long result = hak_raw_call(SYS_mmap, 0, (long)bytes, protection,
                               MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
    if (result < 0 && result > -4096)
        return NULL;
    if (hak_is_debug_build && hak_own_note)
        hak_own_note((void *)result, bytes, true);
    return (void *)result;
}

/* Memory that can be read and written. Pages are not reserved, so a sparse array costs what is
 * touched. */
static inline void *hak_raw_map(size_t bytes) {
    return hak_raw_map_as(bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
}

/* The same for a part of each thread's memory: the kernel joins it with what lies beside it, of
 * other threads too, so that thousands of them do with few mappings (vm.max_map_count). */
static inline void *hak_raw_map_joined(size_t bytes) {
    void *start = hak_raw_map(bytes);
    if (start)
        (void)hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_NOHUGEPAGE, 0, 0, 0);
    return start;
}

/* Gives back what hak_raw_map gave. */
static inline void hak_raw_unmap(void *start, size_t bytes) {
    if (hak_is_debug_build && hak_own_note)
        hak_own_note(start, bytes, false);
    (void)hak_raw_call(SYS_munmap, (long)start, (long)bytes, 0, 0, 0, 0);
}

/* The soft limit `which` (RLIMIT_AS, ...) of this process; RLIM_INFINITY where there is none. */
static inline size_t hak_raw_limit(int which) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    (void)hak_raw_call(SYS_prlimit64, 0, which, 0, &limit);
    return limit.rlim_cur;
}

/* False where `bytes` more that can be written would be over a sixteenth of what the process may
 * have of them (RLIMIT_DATA; the kernel counts them whether they are touched or not), or of
 * addresses.
 */
static inline bool hak_raw_has_room(size_t bytes) {
    enum { SHARE = 16 };
    return bytes <= hak_raw_limit(RLIMIT_DATA) / SHARE && bytes <= hak_raw_limit(RLIMIT_AS) / SHARE;
}

/* Maps memory for an array that is read and written all over: on huge pages where the system gives
 * them and it is as large as one. */
static inline void *hak_raw_map_spread(size_t bytes) {
    const size_t huge = (size_t)2 << 20, room = HAK_PAGES_OF(bytes) + huge;
    char *start = bytes < huge ? NULL : hak_raw_map(room);
    if (!start)
        return hak_raw_map(bytes);
    size_t before = -(uintptr_t)start & (huge - 1);
    if (before)
        hak_raw_unmap(start, before);
    start += before;
    hak_raw_unmap(start + (room - huge), huge - before);
    (void)hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_HUGEPAGE, 0, 0, 0);
    return start;
}

/* True when the eight bytes at `address` can be read. rt_sigprocmask copies its new mask in before
 * it looks at `how`; an impossible `how` makes it fail afterwards in any case, with EFAULT only
 * when the copy failed, else with EINVAL. No descriptor is needed and the mask is never changed
 * (the method is known from Abseil's AddressIsReadable). About 80 ns. */
static inline int hak_raw_readable(uintptr_t address) {
    return hak_raw_call(SYS_rt_sigprocmask, ~0L, (long)address, 0, 8, 0, 0) == -22 /* EINVAL */;
}

/* Whether the page of `address`, a multiple of 4 in mapped memory, can be written; false also where
 * the kernel does not say. The kernel is asked to add nothing to the four bytes, which is atomic:
 * nobody who writes them meanwhile notices. */
static inline bool hak_raw_writable(uintptr_t address) {
    uint32_t unused = 0;
    return hak_raw_call(SYS_futex, (long)&unused, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0,
                        (long)address, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_LT, 0)) >= 0;
}

/* Gives signal `number` its default action, whatever handler the program or libc know of. */
static inline void hak_raw_default_signal(int number) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } standard = {0};
    (void)hak_raw_call(SYS_rt_sigaction, number, (long)&standard, 0, 8, 0, 0);
}

#endif

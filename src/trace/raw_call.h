/* System calls without libc, for code that runs inside malloc: they keep errno, cannot be
 * interposed by the program and need no relocation that ld.so would still have to resolve.
 *
 * Thread and signal safety: all of these are async-signal-safe. */
#ifndef HAK_TRACE_RAW_CALL_H
#define HAK_TRACE_RAW_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "platform/raw_call.h"

/* Fresh zeroed private memory of `bytes` (rounded up by the kernel to pages); NULL when none is
 * left. Pages are not reserved, so a sparse array costs what is touched. */
static inline void *hak_raw_map(size_t bytes) {
    long result = hak_raw_call(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return result < 0 && result > -4096 ? NULL : (void *)result;
}

/* Gives back what hak_raw_map gave. */
static inline void hak_raw_unmap(void *start, size_t bytes) {
    (void)hak_raw_call(SYS_munmap, (long)start, (long)bytes, 0, 0, 0, 0);
}

/* True when the eight bytes at `address` can be read. rt_sigprocmask copies its new mask in before
 * it looks at `how`; an impossible `how` makes it fail afterwards in any case, with EFAULT only
 * when the copy failed. No descriptor is needed and the mask is never changed (the method is known
 * from Abseil's AddressIsReadable). About 80 ns. */
static inline int hak_raw_readable(uintptr_t address) {
    return hak_raw_call(SYS_rt_sigprocmask, ~0L, (long)address, 0, 8, 0, 0) != -14 /* EFAULT */;
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

/* The operating system's services for the layers, and nothing else: memory, waiting, identity, last
 * words.
 *
 *   layers --> platform.h   map, unmap, reserve, advise, remap; futex; thread id; time; die
 *              lock.h       a lock of four bytes on the futex
 *              registry.h   the owner of an address: one entry for each 2 MiB of address space
 *              address.h    the kind of an address that is not ours
 *
 * All of it is raw system calls of Linux: they keep errno, cannot be interposed by the
 * program, and need nothing of libc, so that they work before libc is set up and after a fork.
 *
 * Thread and signal safety: every function here is async-signal-safe and takes no lock. */
#ifndef HAK_PLATFORM_PLATFORM_H
#define HAK_PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "hop.h"

/* The start of the page in which `address` lies. */
static inline uintptr_t hak_page_of(uintptr_t address) {
    return address & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
}

/* Counts what is asked of the kernel (hops.def, PAGES_*): set once, before the library's other
 * parts start, in the debug build; NULL: nobody counts. */
HAK_HIDDEN extern void (*hak_pages_counter)(enum hak_counted call, unsigned class_index,
                                            uint64_t bytes);

/* Bytes of addresses whose pages went back to the kernel so far, with them or without. */
HAK_HIDDEN extern _Atomic uint64_t hak_given_back_bytes;

/* Fresh zeroed private memory. `bytes` is a multiple of the page size. NULL when there is none. */
HAK_HIDDEN void *hak_map(size_t bytes);

/* The same at a multiple of `alignment`, a power of two. */
HAK_HIDDEN void *hak_map_aligned(size_t bytes, size_t alignment);

/* Zeroed memory of which only touched pages count: a sparse array. NULL when the address space is
 * limited (ulimit -v). Huge pages are declined, or one touched byte would cost 2 MiB. */
HAK_HIDDEN void *hak_reserve(size_t bytes);

/* The same, read-only, so that it counts neither as locked (mlockall) nor as committed memory, and
 * the way to make parts of it, whole pages, writable. False: one mapping too many for the kernel.
 */
HAK_HIDDEN void *hak_reserve_read_only(size_t bytes);
HAK_HIDDEN bool hak_allow_writes(void *start, size_t bytes);

/* The same of a private mapping that nobody has written to, which may be mapped anew: also where a
 * sandbox refuses mprotect, as glibc's malloc works there. */
HAK_HIDDEN bool hak_open_untouched(void *start, size_t bytes);

/* Makes whole pages inaccessible; their content stays. The way back is hak_allow_writes. False: a
 * mapping too many for the kernel, or a sandbox; some of the pages may be inaccessible then. */
HAK_HIDDEN bool hak_bar_access(void *start, size_t bytes);

/* The same, and the pages go back: addresses without memory. False: nothing was done. */
HAK_HIDDEN bool hak_drop_pages(void *start, size_t bytes);

/* Addresses without memory, at a multiple of `alignment`, for hak_allow_writes piece by piece; huge
 * pages are declined. NULL when there are none. */
HAK_HIDDEN void *hak_hold(size_t bytes, size_t alignment);

/* Zeroed memory that the kernel joins with what lies beside it: a part of each thread's memory is
 * no mapping of its own, of which the kernel allows 65,530. NULL without memory. */
HAK_HIDDEN void *hak_map_joined(size_t bytes);

/* Keeps a mapping from being filled with huge pages, or asks for them. */
HAK_HIDDEN void hak_decline_huge_pages(void *start, size_t bytes);
HAK_HIDDEN void hak_ask_for_huge_pages(void *start, size_t bytes);

/* Gives back memory of any of the functions above; parts of it are allowed. False: nothing was
 * done, since a hole there would be one mapping too many for the kernel (vm.max_map_count). */
HAK_HIDDEN bool hak_unmap(void *start, size_t bytes);

/* Gives back the pages and keeps the addresses, which read as zero from then on. False: the pages
 * are locked (mlock) and stay as they are. */
HAK_HIDDEN bool hak_discard(void *start, size_t bytes);

/* Gives back pages that the kernel has filled because they are locked (mlockall). The addresses
 * stay locked where the kernel can lock pages as they are touched (Linux 4.4). */
HAK_HIDDEN void hak_discard_locked(void *start, size_t bytes);

/* Marks whole writable pages as guard pages, whose memory is dropped: nobody may touch them. The
 * way back, to pages that read as zero, is hak_clear_guards. No mapping is divided. False: the
 * kernel is older than Linux 6.13, the pages are locked (mlockall), or a sandbox forbids it. */
HAK_HIDDEN bool hak_mark_guards(void *start, size_t bytes);
HAK_HIDDEN bool hak_clear_guards(void *start, size_t bytes);

/* Makes a mapping larger or smaller where it lies. False: it cannot grow there. */
HAK_HIDDEN bool hak_remap_in_place(void *start, size_t old_bytes, size_t new_bytes);

/* Resizes a mapping, which may move: the new start, NULL when there is no memory (nothing changed
 * then). */
HAK_HIDDEN void *hak_remap(void *start, size_t old_bytes, size_t new_bytes);

/* The pages of part of a mapping at another address, as a mapping of their own; the old addresses
 * stay and read as zero. NULL, and the pages are where they were: no memory, they are locked, a
 * kernel before 5.7, or an emulator of one. */
HAK_HIDDEN void *hak_move_pages(void *start, size_t bytes);

/* The same onto other mapped pages. False: nothing changed. */
HAK_HIDDEN bool hak_move_pages_to(void *start, size_t bytes, void *to);

/* True when the page that holds `p` is mapped (mincore). */
HAK_HIDDEN bool hak_is_mapped(const void *p);

/* Bytes of address space that the process may use (ulimit -v); SIZE_MAX without a limit. */
HAK_HIDDEN size_t hak_address_space_limit(void);

/* True when the kernel calls itself this version or a later one; false when it does not say. */
HAK_HIDDEN bool hak_kernel_is_from(unsigned major, unsigned minor);

/* The current end of the brk heap, which only glibc's own malloc uses. */
HAK_HIDDEN char *hak_brk_end(void);

/* Sleeps while *word == value, or for so long; may return early. Wakes at most `count` sleepers. */
HAK_HIDDEN void hak_futex_wait(_Atomic uint32_t *word, uint32_t value);
HAK_HIDDEN void hak_futex_wait_for(_Atomic uint32_t *word, uint32_t value, uint64_t ns);
HAK_HIDDEN void hak_futex_wake(_Atomic uint32_t *word, int count);

/* The kernel's id of the calling thread. */
HAK_HIDDEN int hak_thread_id(void);

/* Files to be read: a descriptor or a negative number, which close leaves alone; bytes read, 0 at
 * the end, negative on error. */
HAK_HIDDEN long hak_open(const char *path);
HAK_HIDDEN long hak_read(long file, char *buffer, size_t capacity);
HAK_HIDDEN void hak_close(long file);

/* Not 0 in strict seccomp, where reading the time stamp counter kills: the ticks at which time
 * stands still. Only hakmem-debug.so sees a program enter it. */
HAK_HIDDEN extern uint64_t hak_ticks_stand_still;

/* How long a layer keeps what nobody uses: a tenth of a second at usual clock rates. */
#define HAK_DECAY_TICKS ((uint64_t)1 << 28)

/* Ticks of the time stamp counter. */
static inline uint64_t hak_ticks(void) {
    if (hak_sees_sandboxes) {
        uint64_t still = __atomic_load_n(&hak_ticks_stand_still, __ATOMIC_RELAXED);
        if (HAK_UNLIKELY(still))
            return still;
    }
    return hak_ticks_now();
}

/* Ends the process with one line "hakmem: WHAT: ADDRESS WHY" on fd 2, then SIGABRT. For misuse by
 * the program that the plain build notices; never returns. */
HAK_HIDDEN _Noreturn HAK_COLD void hak_die(const char *what, const void *address, const char *why);

/* Ends the process over a pointer that the program gives back; in level light, a report comes in
 * place of that, after which the program goes on as HAKMEM_ON_FAULT says. */
static inline void hak_blame(const char *what, const void *address, const char *why) {
    if (hak_is_light_build)
        hak_light_blame(what, address);
    else
        hak_die(what, address, why);
}

#endif

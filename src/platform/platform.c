/* System calls of Linux, made without libc so that errno stays as it is. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include "hop.h"
#include "newer.h"
#include "platform/line.h"
#include "platform/raw_call.h"
#include "superslab.h"

/* Bytes that are mapped anew also in a process that locks what it maps, where all get their pages.
 */
#define MAPPED_ANEW_LOCKED ((size_t)256 << 20)

__attribute__((weak)) uint64_t hak_ticks_stand_still; /* the checks' half's also in level light */

static inline bool failed(long result) {
    return result < 0 && result > -4096;
}

static inline void note_own(const void *start, size_t bytes, bool is_own) {
    if (hak_is_debug_build && hak_own_note)
        hak_own_note(start, bytes, is_own);
}

void (*hak_pages_counter)(enum hak_counted call, unsigned class_index, uint64_t bytes);

static inline void count_pages(enum hak_counted call, size_t bytes) {
    if (hak_is_debug_build && hak_pages_counter)
        hak_pages_counter(call, HAK_CLASS_NONE, bytes);
}

_Atomic uint64_t hak_given_back_bytes;

static bool count_given_back(bool is_done, size_t bytes) {
    if (is_done)
        atomic_fetch_add_explicit(&hak_given_back_bytes, bytes, memory_order_relaxed);
    return is_done;
}

/* Maps pages and counts them for the metrics; NULL without memory. */
static void *map(size_t bytes, int protection, int flags) {
    void *start = hak_raw_map_as(bytes, protection, flags);
    count_pages(HAK_COUNTED_PAGES_MAP, start ? bytes : 0);
    return start;
}

void *hak_map(size_t bytes) {
    return map(bytes, PROT_READ | PROT_WRITE, 0);
}

static bool unmap(void *start, size_t bytes) {
    note_own(start, bytes, false);
    bool unmapped = !failed(hak_raw_call(SYS_munmap, (long)start, (long)bytes, 0, 0, 0, 0));
    if (!unmapped)
        note_own(start, bytes, true);
    count_pages(HAK_COUNTED_PAGES_UNMAP, unmapped ? bytes : 0);
    return unmapped;
}

/* The part of a mapping of `wide_bytes` that starts at a multiple of `alignment`; the rest of it is
 * unmapped. */
static char *trim_to(char *start, size_t wide_bytes, size_t bytes, size_t alignment) {
    char *aligned = (char *)(((uintptr_t)start + alignment - 1) & ~(uintptr_t)(alignment - 1));
    size_t before_bytes = (size_t)(aligned - start);
    size_t behind_bytes = wide_bytes - before_bytes - bytes;
    if (before_bytes)
        unmap(start, before_bytes);
    if (behind_bytes)
        unmap(aligned + bytes, behind_bytes);
    return aligned;
}

/* Maps pages at a multiple of `alignment`: as the kernel lays them if that fits, else cut out of a
 * wider mapping. */
static void *map_aligned(size_t bytes, size_t alignment, int protection, int flags) {
    /* The kernel lays mappings one below the other, so the next one is mostly aligned already. */
    char *start = map(bytes, protection, flags);
    if (!start || ((uintptr_t)start & (alignment - 1)) == 0)
        return start;
    unmap(start, bytes);
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    size_t wide_bytes = bytes + alignment - HAK_PAGE_BYTES_LEAST;
    start = map(wide_bytes, protection, flags);
    return start ? trim_to(start, wide_bytes, bytes, alignment) : NULL;
}

void *hak_map_aligned(size_t bytes, size_t alignment) {
    return map_aligned(bytes, alignment, PROT_READ | PROT_WRITE, 0);
}

void *hak_hold(size_t bytes, size_t alignment) {
    void *start = map_aligned(bytes, alignment, PROT_NONE, MAP_NORESERVE);
    if (start)
        hak_decline_huge_pages(start, bytes);
    return start;
}

void *hak_map_joined(size_t bytes) {
    void *start = map(bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
    if (start)
        hak_decline_huge_pages(start, bytes);
    return start;
}

static long protect(void *start, size_t bytes, int rights) {
    return hak_raw_call(SYS_mprotect, (long)start, (long)bytes, rights, 0, 0, 0);
}

static bool allow(void *start, size_t bytes, int rights) {
    return !failed(protect(start, bytes, rights));
}

/* Maps fresh pages in the place of others. */
static bool map_anew(void *start, size_t bytes, int rights) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    return !failed(hak_raw_call(SYS_mmap, (long)start, (long)bytes, rights, flags, -1, 0));
}

/* Advice that the kernel refuses for locked pages, and that changes nothing here. */
static bool is_locked(void *start) {
    return failed(hak_raw_call(SYS_madvise, (long)start, (long)HAK_PAGE_BYTES, MADV_COLD, 0, 0, 0));
}

/* Whether new mappings are locked (mlockall), or that cannot be found out. */
static bool locks_new_mappings(void) {
    void *page = hak_raw_map_as(HAK_PAGE_BYTES, PROT_NONE, MAP_NORESERVE);
    bool are_locked = !page || is_locked(page);
    if (page)
        hak_raw_unmap(page, HAK_PAGE_BYTES);
    return are_locked;
}

/* Gives pages that nobody touched their rights. Where mprotect is refused, but not for want of
 * memory, they are mapped anew, if they are not so many that a locked process could not bear it. */
static bool open_untouched(void *start, size_t bytes, int rights) {
    long result = protect(start, bytes, rights);
    if (HAK_LIKELY(!failed(result)))
        return true;
    if (result == -ENOMEM || (bytes > MAPPED_ANEW_LOCKED && locks_new_mappings()) ||
        !map_anew(start, bytes, rights))
        return false;
    hak_decline_huge_pages(start, bytes);
    return true;
}

/* Reserves address space whose pages come as they are touched: not locked, and first inaccessible,
 * as under mlockall(MCL_FUTURE) it would get all its pages. */
static void *reserve(size_t bytes, int protection) {
    void *start = map(bytes, PROT_NONE, MAP_NORESERVE);
    if (!start)
        return NULL;
    (void)hak_raw_call(SYS_munlock, (long)start, (long)bytes, 0, 0, 0, 0);
    hak_decline_huge_pages(start, bytes);
    if (!open_untouched(start, bytes, protection)) {
        hak_unmap(start, bytes);
        return NULL;
    }
    return start;
}

void *hak_reserve(size_t bytes) {
    return reserve(bytes, PROT_READ | PROT_WRITE);
}

void *hak_reserve_read_only(size_t bytes) {
    return reserve(bytes, PROT_READ);
}

bool hak_allow_writes(void *start, size_t bytes) {
    return allow(start, bytes, PROT_READ | PROT_WRITE);
}

bool hak_open_untouched(void *start, size_t bytes) {
    return open_untouched(start, bytes, PROT_READ | PROT_WRITE);
}

bool hak_bar_access(void *start, size_t bytes) {
    return allow(start, bytes, PROT_NONE);
}

bool hak_drop_pages(void *start, size_t bytes) {
    return count_given_back(map_anew(start, bytes, PROT_NONE), bytes);
}

void hak_decline_huge_pages(void *start, size_t bytes) {
    count_pages(HAK_COUNTED_PAGES_ADVISE, bytes);
    (void)hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_NOHUGEPAGE, 0, 0, 0);
}

void hak_ask_for_huge_pages(void *start, size_t bytes) {
    count_pages(HAK_COUNTED_PAGES_ADVISE, bytes);
    (void)hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_HUGEPAGE, 0, 0, 0);
}

bool hak_unmap(void *start, size_t bytes) {
    return count_given_back(unmap(start, bytes), bytes);
}

bool hak_discard(void *start, size_t bytes) {
    count_pages(HAK_COUNTED_PAGES_ADVISE, bytes);
    long result = hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_DONTNEED, 0, 0, 0);
    return count_given_back(!failed(result), bytes);
}

void hak_discard_locked(void *start, size_t bytes) {
    (void)hak_raw_call(SYS_munlock, (long)start, (long)bytes, 0, 0, 0, 0);
    (void)hak_discard(start, bytes);
    (void)hak_raw_call(SYS_mlock2, (long)start, (long)bytes, MLOCK_ONFAULT, 0, 0, 0);
}

bool hak_remap_in_place(void *start, size_t old_bytes, size_t new_bytes) {
    count_pages(HAK_COUNTED_PAGES_REMAP, new_bytes);
    bool is_done =
        !failed(hak_raw_call(SYS_mremap, (long)start, (long)old_bytes, (long)new_bytes, 0, 0, 0));
    if (is_done && new_bytes > old_bytes)
        note_own((char *)start + old_bytes, new_bytes - old_bytes, true);
    else if (is_done)
        note_own((char *)start + new_bytes, old_bytes - new_bytes, false);
    (void)count_given_back(is_done && new_bytes < old_bytes, old_bytes - new_bytes);
    return is_done;
}

void *hak_remap(void *start, size_t old_bytes, size_t new_bytes) {
    count_pages(HAK_COUNTED_PAGES_REMAP, new_bytes);
    long result = hak_raw_call(SYS_mremap, (long)start, (long)old_bytes, (long)new_bytes,
                               MREMAP_MAYMOVE, 0, 0);
    if (failed(result))
        return NULL;
    note_own(start, old_bytes, false);
    note_own((void *)result, new_bytes, true);
    return (void *)result;
}

/* Some emulators of a kernel (qemu-user 7.2) take any advice and follow none: no kernel knows this
 * one. */
static bool is_advice_refused(void *start, size_t bytes) {
    enum { MADV_OF_NOBODY = 0x7fff, UNASKED = 0, REFUSED, TAKEN };
    static _Atomic uint8_t answer;
    if (HAK_UNLIKELY(atomic_load_explicit(&answer, memory_order_relaxed) == UNASKED))
        atomic_store_explicit(
            &answer,
            failed(hak_raw_call(SYS_madvise, start, bytes, MADV_OF_NOBODY)) ? REFUSED : TAKEN,
            memory_order_relaxed);
    return atomic_load_explicit(&answer, memory_order_relaxed) == REFUSED;
}

static long move(void *start, size_t bytes, long flags, void *to) {
    count_pages(HAK_COUNTED_PAGES_REMAP, bytes);
    return hak_raw_call(SYS_mremap, start, bytes, bytes, MREMAP_MAYMOVE | flags, to);
}

/* Emulators of a kernel (qemu-user) take addresses that mremap has left mapped for unmapped: a call
 * that is given them is EFAULT. A read of no file shows it, as an emulator looks at the addresses
 * before the file. A kernel does not, and no page is touched. */
static bool are_let_go(void *start, size_t bytes) {
    return hak_raw_call(SYS_read, -1, start, bytes) == -EFAULT;
}

/* Asked until one move of the process has shown it. */
void *hak_move_pages(void *start, size_t bytes) {
    enum { UNASKED = 0, STAY_MAPPED, LET_GO };
    static _Atomic uint8_t old_addresses;
    if (atomic_load_explicit(&old_addresses, memory_order_relaxed) == LET_GO)
        return NULL;
    if (is_locked(start)) /* the addresses that stay would be locked no longer */
        return NULL;
    long result = move(start, bytes, MREMAP_DONTUNMAP, NULL);
    if (failed(result))
        return NULL;
    if (HAK_UNLIKELY(atomic_load_explicit(&old_addresses, memory_order_relaxed) != STAY_MAPPED)) {
        bool is_refused = are_let_go(start, bytes);
        atomic_store_explicit(&old_addresses, is_refused ? LET_GO : STAY_MAPPED,
                              memory_order_relaxed);
        if (is_refused && move((void *)result, bytes, MREMAP_FIXED, start) == (long)start)
            return NULL;
    }
    note_own((void *)result, bytes, true);
    return (void *)result;
}

bool hak_move_pages_to(void *start, size_t bytes, void *to) {
    void *pages = hak_move_pages(start, bytes);
    if (!pages)
        return false;
    note_own(pages, bytes, false);
    if (move(pages, bytes, MREMAP_FIXED, to) != (long)to) { /* there are too many mappings */
        memcpy(to, pages, bytes);
        (void)unmap(pages, bytes);
    }
    return true;
}

/* An emulator of a kernel (qemu-user 7.2) calls a page unmapped to which no access is allowed:
 * msync, which does nothing here, tells it. */
bool hak_is_mapped(const void *p) {
    unsigned char in_core;
    void *page = (void *)((uintptr_t)p & ~(HAK_PAGE_BYTES - 1));
    return !failed(hak_raw_call(SYS_mincore, page, 1, &in_core)) ||
           (!is_advice_refused(page, 1) && !failed(hak_raw_call(SYS_msync, page, 1, MS_ASYNC)));
}

bool hak_mark_guards(void *start, size_t bytes) {
    count_pages(HAK_COUNTED_PAGES_ADVISE, bytes);
    return is_advice_refused(start, bytes) &&
           !failed(hak_raw_call(SYS_madvise, start, bytes, MADV_GUARD_INSTALL));
}

bool hak_clear_guards(void *start, size_t bytes) {
    count_pages(HAK_COUNTED_PAGES_ADVISE, bytes);
    return !failed(hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_GUARD_REMOVE, 0, 0, 0));
}

bool hak_kernel_is_from(unsigned major, unsigned minor) {
    struct utsname name;
    unsigned part[2] = {0, 0};
    if (failed(hak_raw_call(SYS_uname, (long)&name, 0, 0, 0, 0, 0)))
        return false;
    const char *at = name.release;
    for (int i = 0; i < 2; i++, at++)
        for (; *at >= '0' && *at <= '9'; at++)
            part[i] = part[i] * 10 + (unsigned)(*at - '0');
    return part[0] > major || (part[0] == major && part[1] >= minor);
}

size_t hak_address_space_limit(void) {
    return hak_raw_limit(RLIMIT_AS);
}

char *hak_brk_end(void) {
    return (char *)hak_raw_call(SYS_brk, 0, 0, 0, 0, 0, 0);
}

void hak_futex_wait(_Atomic uint32_t *word, uint32_t value) {
    (void)hak_raw_call(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}

void hak_futex_wait_for(_Atomic uint32_t *word, uint32_t value, uint64_t ns) {
    const struct timespec time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    (void)hak_raw_call(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, &time, 0, 0);
}

void hak_futex_wake(_Atomic uint32_t *word, int count) {
    (void)hak_raw_call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

int hak_thread_id(void) {
    return (int)hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

void hak_die(const char *what, const void *address, const char *why) {
    struct hak_line line = {.length = 0};
    const char *parts[] = {"hakmem: ", what, ": ", NULL, " ", why};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i])
            hak_line_add(&line, parts[i]);
        else
            hak_line_hex(&line, (uintptr_t)address);
    hak_line_end(&line);
    abort();
}

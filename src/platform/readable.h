/* Looks at memory that may not be there: an address that the program hands to the kernel may be
 * anything, and the kernel answers with EFAULT where a read of ours would end the program.
 *
 * Each page is asked about by a system call that copies eight bytes of it (hak_raw_readable, some
 * 80 ns), but for the last one that could be read: keep one `struct hak_readable` over what is
 * looked at together, for that moment alone. The calling function's own page of the stack, where
 * most of a program's small tables lie, costs nothing (HAK_READABLE_STACK).
 *
 * False also where a sandbox does not let us ask (hak_call_is_forbidden).
 *
 * Another thread may close a page right behind the question. So what the kernel alone may read is
 * copied, by one instruction that reads (hak_copy_or_stop), and the copy is looked at:
 *
 *   the kernel is asked --may be read--> hak_copy_at reads --> the copy
 *          |                                    |
 *          | may not                            | SIGSEGV, SIGBUS: trace/crash/handler.c
 *          v                                    v
 *        false                           hak_copy_stopped: false
 *
 * The handler does not stand where the process has no session though it is to be recorded, or where
 * the program ignores or blocks these signals, or took them by a system call of its own: then the
 * question alone protects.
 *
 * Thread and signal safety: no lock, no allocation, errno is kept; any thread, any moment. */
#ifndef HAK_PLATFORM_READABLE_H
#define HAK_PLATFORM_READABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "block.h"
#include "memory_tags.h"
#include "platform/raw_call.h"

/* A page that can be read; 0 = none is known. */
struct hak_readable {
    uintptr_t page;
};
#define HAK_READABLE_STACK                                                                         \
    ((struct hak_readable){(uintptr_t)__builtin_frame_address(0) &                                 \
                           ~(uintptr_t)(HAK_READABLE_PAGE_BYTES - 1)})
enum { HAK_READABLE_PAGE_BYTES = 4096 };

/* So many bytes above the stack pointer are taken for the stack, without a question. */
enum { HAK_STACK_REACH_BYTES = 64 << 10 };
HAK_IN_PLACE bool hak_is_on_stack(const void *p) {
    return (uintptr_t)p - hak_stack_pointer() < HAK_STACK_REACH_BYTES;
}

/* True when each of the `bytes` from `p` on can be read; also when there are none. */
static inline bool hak_is_readable(struct hak_readable *known, const void *p, size_t bytes) {
    const uintptr_t at_page = ~(uintptr_t)(HAK_READABLE_PAGE_BYTES - 1);
    const uintptr_t start = (uintptr_t)hak_untagged(p), tag = (uintptr_t)p - start;
    uintptr_t end;
    if (bytes == 0)
        return true;
    if (__builtin_add_overflow(start, bytes - 1, &end) || end >> HAK_ADDRESS_BITS != 0 ||
        start < HAK_READABLE_PAGE_BYTES)
        return false; /* not the program's half of all addresses, or a NULL with an offset */
    for (uintptr_t page = start & at_page; page <= end; page += HAK_READABLE_PAGE_BYTES) {
        if (page == known->page)
            continue;
        /* By the tag of these bytes: a page may begin with those of another block. */
        if (!hak_raw_readable((page < start ? start & ~(uintptr_t)7 : page) | tag))
            return false;
        known->page = page;
    }
    return true;
}

/* The same of a single range. */
static inline bool hak_can_read(const void *p, size_t bytes) {
    struct hak_readable known = {0};
    return hak_is_readable(&known, p, bytes);
}

/* Both for who goes on where nobody can be asked: true, too, where a sandbox forbids the question.
 */
static inline bool hak_may_be_readable(struct hak_readable *known, const void *p, size_t bytes) {
    return hak_call_is_forbidden(SYS_rt_sigprocmask) || hak_is_readable(known, p, bytes);
}
static inline bool hak_may_read(const void *p, size_t bytes) {
    return hak_call_is_forbidden(SYS_rt_sigprocmask) || hak_can_read(p, bytes);
}

/* Copies `bytes`; false: a page could not be read, and a part may have been copied. Nobody is asked
 * before: where the handler does not stand, the program dies of such a page. */
HAK_HIDDEN bool hak_copy_or_stop(void *to, const void *from, size_t bytes);
/* The instruction that reads, and where a fault there goes on. */
HAK_HIDDEN extern const char hak_copy_at[], hak_copy_stopped[];

/* The same of bytes that may go on behind a block, where memory has another tag. */
static inline bool hak_copy_deaf(void *to, const void *from, size_t bytes) {
    uintptr_t ear = hak_tags_begin_own();
    bool is_copied = hak_copy_or_stop(to, from, bytes);
    hak_tags_end_own(ear);
    return is_copied;
}

/* Copies `bytes` from `p` on, or returns false: `to` is then left as it is, or has a part where
 * another thread closed the page meanwhile. */
static inline bool hak_copy_readable(struct hak_readable *known, void *to, const void *p,
                                     size_t bytes) {
    return hak_is_readable(known, p, bytes) && hak_copy_deaf(to, p, bytes);
}
/* The same for who goes on where nobody can be asked. */
static inline bool hak_copy_if_may(struct hak_readable *known, void *to, const void *p,
                                   size_t bytes) {
    return hak_may_be_readable(known, p, bytes) && hak_copy_deaf(to, p, bytes);
}

/* Reads text that may not be there byte by byte, of which some are here at a time. Begin with
 * `known` alone set. */
enum { HAK_READ_AT_ONCE = 64 };
struct hak_byte_reader {
    struct hak_readable known;
    bool goes_on; /* where nobody can be asked, too */
    unsigned held;
    uintptr_t from; /* of those that are here */
    char here[HAK_READ_AT_ONCE];
};

/* The byte at `p`, as an unsigned char; -1: it cannot be read. */
HAK_HIDDEN int hak_read_byte(struct hak_byte_reader *reader, const char *p);

#endif

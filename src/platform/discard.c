/* Ranges of pages that go back together. */
#include "platform/discard.h"

#include "newer.h"
#include "platform/raw_call.h"
#include "superslab.h"

enum { UNASKED = 0, TAKEN, REFUSED };
static _Atomic uint8_t together;

static void decide(unsigned answer) {
    atomic_store_explicit(&together, (uint8_t)answer, memory_order_relaxed);
}

/* Whether the process is under a filter of system calls that it was started with; true also where
 * that cannot be found out. /proc is read, as ld.so has read files under the same filter; in small
 * parts, since the stack may be small. */
static bool is_filtered(void) {
    static const char unfiltered[] = "\nSeccomp:\t0\n";
    char part[256];
    size_t matched = 0;
    bool is_found = false;
    long file = hak_open("/proc/self/status"), bytes = 0;
    while (file >= 0 && !is_found && (bytes = hak_read(file, part, sizeof part)) > 0)
        for (long at = 0; at < bytes && !is_found; at++) {
            if (part[at] != unfiltered[matched])
                matched = 0; /* a new line alone can begin it */
            matched += part[at] == unfiltered[matched];
            is_found = matched == sizeof unfiltered - 1;
        }
    hak_close(file);
    return !is_found;
}

/* The call is not made where nobody notes that the program enters a sandbox, nor in one that the
 * program was started in: a filter may end it for a call that it does not know. */
bool hak_ranges_go_together(void) {
    if (!hak_sees_sandboxes &&
        (!&hak_sandboxes_entered ||
         atomic_load_explicit(&hak_sandboxes_entered, memory_order_relaxed) > 0))
        return false;
    if (hak_call_is_forbidden(SYS_process_madvise))
        return false;
    unsigned answer = atomic_load_explicit(&together, memory_order_relaxed);
    if (HAK_UNLIKELY(answer == UNASKED)) {
        answer = is_filtered() ? REFUSED : TAKEN;
        decide(answer);
    }
    return answer == TAKEN;
}

/* Gives back ranges from `first` on; returns the bytes of those in front of the first that the
 * kernel did not take. `*may_be_unknown` says whether it may not know the call. */
static size_t discard_together(const struct iovec *first, unsigned count, bool *may_be_unknown) {
    long result = hak_raw_call(SYS_process_madvise, PIDFD_SELF, first, count, MADV_DONTNEED);
    size_t bytes = result > 0 ? (size_t)result : 0;
    if (hak_is_debug_build && hak_pages_counter)
        hak_pages_counter(HAK_COUNTED_PAGES_ADVISE, HAK_CLASS_NONE, bytes);
    atomic_fetch_add_explicit(&hak_given_back_bytes, bytes, memory_order_relaxed);
    *may_be_unknown =
        result == -ENOSYS || result == -EBADF || result == -EINVAL || result == -EPERM;
    return bytes;
}

/* The number of ranges that `bytes` from the first on contain; `*part` gets the bytes of the next
 * one beyond them. */
static unsigned count_whole(const struct iovec *range, unsigned count, size_t bytes, size_t *part) {
    unsigned whole = 0;
    while (whole < count && range[whole].iov_len <= bytes)
        bytes -= range[whole++].iov_len;
    *part = bytes;
    return whole;
}

static size_t discard_alone(const struct iovec *range, size_t from) {
    size_t bytes = range->iov_len - from;
    return hak_discard((char *)range->iov_base + from, bytes) ? bytes : 0;
}

/* All ranges, as many in a call as the kernel takes. One at which it stops goes alone: where that
 * succeeds though none went together, the kernel does not know the call, if its error may mean
 * that. */
size_t hak_ranges_discard(struct hak_ranges *ranges) {
    unsigned at = 0;
    while (at < ranges->count) {
        size_t part = 0;
        bool is_unknown = false;
        if (ranges->count - at > 1 && hak_ranges_go_together()) {
            size_t bytes = discard_together(&ranges->range[at], ranges->count - at, &is_unknown);
            ranges->given_back_bytes += bytes;
            at += count_whole(&ranges->range[at], ranges->count - at, bytes, &part);
            if (at == ranges->count)
                break;
        }
        size_t alone = discard_alone(&ranges->range[at++], part);
        ranges->given_back_bytes += alone;
        if (is_unknown && alone > 0)
            decide(REFUSED);
    }
    ranges->count = 0;
    return ranges->given_back_bytes;
}

void hak_ranges_add(struct hak_ranges *ranges, void *start, size_t bytes) {
    struct iovec *last = ranges->count > 0 ? &ranges->range[ranges->count - 1] : NULL;
    if (last && (char *)last->iov_base + last->iov_len == (char *)start) {
        last->iov_len += bytes;
        return;
    }
    if (ranges->count == HAK_RANGES_MOST)
        (void)hak_ranges_discard(ranges);
    ranges->range[ranges->count++] = (struct iovec){start, bytes};
}

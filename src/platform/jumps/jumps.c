/* Writes jumps over the first instructions of functions (jumps.h has the picture). */
#include "platform/jumps/jumps.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include "platform/platform.h"
#include "platform/raw_call.h"
#include HAK_ARCH_FILE(jump.h)

/* The whole pages that all the jumps will lie in. */
struct span {
    uintptr_t start, end;
};

static struct span span_of(const struct hak_jump *jumps, size_t count) {
    struct span span = {UINTPTR_MAX, 0};
    for (size_t i = 0; i < count; i++) {
        uintptr_t from = (uintptr_t)jumps[i].from;
        span.start = from < span.start ? from : span.start;
        span.end = from > span.end ? from : span.end;
    }
    span.start &= ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    span.end = HAK_PAGES_OF(span.end + HAK_JUMP_ROOM);
    return span;
}

int hak_jumps_write(const struct hak_jump *jumps, size_t count) {
    struct span span = span_of(jumps, count);
    size_t bytes = span.end - span.start;
    if (count == 0)
        return 0;
    long copy = hak_raw_call(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy < 0)
        return (int)-copy;
    memcpy((void *)copy, (const void *)span.start, bytes);
    for (size_t i = 0; i < count; i++)
        hak_jump_write((char *)((uintptr_t)jumps[i].from - span.start + (uintptr_t)copy),
                       (uintptr_t)jumps[i].from, (uintptr_t)jumps[i].to);
    long result = hak_raw_call(SYS_mprotect, copy, (long)bytes, PROT_READ | PROT_EXEC, 0, 0, 0);
    if (result == 0)
        result = hak_raw_call(SYS_mremap, copy, (long)bytes, (long)bytes,
                              MREMAP_MAYMOVE | MREMAP_FIXED, (long)span.start, 0);
    for (size_t i = 0; i < count && result >= 0; i++)
        hak_jump_settle((uintptr_t)jumps[i].from);
    if (result >= 0)
        return 0;
    (void)hak_raw_call(SYS_munmap, copy, (long)bytes, 0, 0, 0, 0);
    return (int)-result;
}

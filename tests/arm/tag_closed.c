/* Closes a page of a large block, which realloc must leave so, and has it resized where it lies:
 * what is new has the block's tag (tests/arm/tags.sh).
 *
 *     tag_closed [BYTES]   so many bytes more */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "platform/aarch64/tags.h"

enum { PAGE = 4096, FIRST = 200000, MORE = 300000, STEP = 9000, STEPS = 6 };

static int ends[2];

/* Asked by a call that nobody looks at. */
static int is_closed(const char *p) {
    return syscall(SYS_write, ends[1], p, 1) < 0 && errno == EFAULT;
}

static int fail(int step, const char *what) {
    printf("resize %d: %s\n", step, what);
    return 1;
}

int main(int count, char **arguments) {
    size_t bytes = MORE + (count > 1 ? (size_t)atol(arguments[1]) : 0);
    char *block = realloc(malloc(FIRST), bytes); /* with room behind */
    unsigned tag = (unsigned)((uintptr_t)block >> HAK_TAG_SHIFT);
    char *plain = (char *)((uintptr_t)block & (((uintptr_t)1 << HAK_TAG_SHIFT) - 1));
    char *closed = plain + 20 * PAGE - (uintptr_t)plain % PAGE;
    if (pipe(ends) != 0)
        return 2;
    memset(block, 1, bytes);
    mprotect(closed, PAGE, PROT_NONE);
    for (int i = 0; i < STEPS; i++) {
        size_t next = i % 2 ? bytes - 48 : bytes + STEP;
        if (realloc(block, next) != block)
            return fail(i, "it moved");
        if (!is_closed(closed + 8) || is_closed(closed - 1) || is_closed(closed + PAGE))
            return fail(i, "another page is closed");
        if (next > bytes)
            memset(block + bytes, 1, next - bytes);
        bytes = next;
        for (size_t at = 0; at < bytes; at += HAK_TAG_GRANULE)
            if (plain + at + PAGE <= closed || plain + at >= closed + PAGE)
                if (hak_tag_at(plain + at) != tag)
                    return fail(i, "a tag is missing");
        if (hak_tag_at(plain + (bytes + 15) / 16 * 16) == tag)
            return fail(i, "nothing stops behind it");
    }
    mprotect(closed, PAGE, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != 1)
            return fail(STEPS, "bytes are lost");
    free(block);
    puts("closed");
    return 0;
}

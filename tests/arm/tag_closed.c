/* Closes a page of a large block, which realloc must leave so, and has it resized where it lies:
 * what is new has the block's tag (tests/arm/tags.sh).
 *
 *     tag_closed [BYTES]   so many bytes more
 *     tag_closed beside    closes the first page of a block, and then reads the one behind it by a
 *                          tag that neither has: where the read was looked at, that page is closed
 */
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
enum { BESIDE = 8000, BESIDES = 8 };

static int ends[2];

/* Asked by a call that nobody looks at. */
static int is_closed(const char *p) {
    return syscall(SYS_write, ends[1], p, 1) < 0 && errno == EFAULT;
}

static int fail(int step, const char *what) {
    printf("resize %d: %s\n", step, what);
    return 1;
}

static char *without_tag(char *p) {
    return (char *)((uintptr_t)p & (((uintptr_t)1 << HAK_TAG_SHIFT) - 1));
}

static unsigned tag_of(char *p) {
    return (unsigned)((uintptr_t)p >> HAK_TAG_SHIFT);
}

/* A block and the one that lies behind it. */
static int find_pair(char **front, char **behind, unsigned *no_tag) {
    char *blocks[BESIDES];
    unsigned taken = 1;
    for (int i = 0; i < BESIDES; i++) {
        blocks[i] = malloc(BESIDE);
        taken |= 1u << tag_of(blocks[i]);
    }
    *no_tag = (unsigned)__builtin_ctz(~taken);
    for (int i = 0; i < BESIDES * BESIDES; i++) {
        *front = blocks[i / BESIDES], *behind = blocks[i % BESIDES];
        long distance = without_tag(*behind) - without_tag(*front);
        if (distance > 0 && distance < BESIDE * 3 / 2)
            return 0;
    }
    return fail(0, "no block lies behind another");
}

static int read_beside(void) {
    char *front, *behind;
    unsigned tag;
    if (find_pair(&front, &behind, &tag) != 0)
        return 1;
    char *closed = without_tag(front) - (uintptr_t)without_tag(front) % PAGE;
    char *volatile strange = without_tag(behind) + 9 + ((uintptr_t)tag << HAK_TAG_SHIFT);
    mprotect(closed, PAGE, PROT_NONE);
    (void)*(volatile char *)strange;
    if (!is_closed(without_tag(front)))
        return fail(0, "the page is open");
    mprotect(closed, PAGE, PROT_READ | PROT_WRITE);
    puts("closed");
    return 0;
}

int main(int count, char **arguments) {
    if (pipe(ends) != 0)
        return 2;
    if (count > 1 && strcmp(arguments[1], "beside") == 0)
        return read_beside();
    size_t bytes = MORE + (count > 1 ? (size_t)atol(arguments[1]) : 0);
    char *block = realloc(malloc(FIRST), bytes); /* with room behind */
    unsigned tag = tag_of(block);
    char *plain = without_tag(block), *closed = plain + 20 * PAGE - (uintptr_t)plain % PAGE;
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

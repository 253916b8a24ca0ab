/* Does what a program may do with the bits of a tag, and with the kernel's settings for them
 * (tests/arm/tags.sh).
 *
 * kind: keeps numbers of 1 to 255 in the top byte of pointers, and uses them as they are, which the
 * processor ignores.
 *
 * small: likewise of 1 to 15, which take the place of the tag alone.
 *
 * off: switches the comparing off, and then gives blocks to the kernel.
 *
 * mapped: maps memory over its block, and gives a part of it back.
 *
 * strange: reads within a live block by a pointer to its ninth byte whose tag no life of it had. It
 * is not known where that came from. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { TOP_BYTE = 56, BYTES = 1500, PAGE = 4096, PAGES = 8, SET_CONTROL = 55 };

static char *with_top_byte(char *p, unsigned byte) {
    return (char *)(((uintptr_t)p & (((uintptr_t)1 << TOP_BYTE) - 1)) | (uintptr_t)byte
                                                                            << TOP_BYTE);
}

/* No life of the first block's place had the first number, nor has a block beside it, of a length
 * that nobody else asks for: a number of these would be taken for theirs. */
static int keep_numbers(unsigned most) {
    char *block = malloc(BYTES);
    for (unsigned i = (uintptr_t)block >> TOP_BYTE == 1 ? 2 : 1; i <= most; i++) {
        char *numbered = with_top_byte(block, i);
        for (int at = 0; at < BYTES; at++)
            numbered[at] = (char)i;
        if (numbered[BYTES - 1] != (char)i)
            return 1;
        free(with_top_byte(block, 0));
        block = malloc(BYTES);
    }
    free(with_top_byte(block, 0));
    return 0;
}

static int switch_off(void) {
    char *block = malloc(BYTES);
    int file = open("/dev/null", O_WRONLY);
    memset(block, 1, BYTES);
    return prctl(SET_CONTROL, 0, 0, 0, 0) != 0 || write(file, block, BYTES) != BYTES;
}

static int map_over(void) {
    for (int i = 0; i < 3; i++) {
        char *block = memalign(PAGE, PAGES * PAGE), *more = block + 2 * PAGE,
             *last = block + 4 * PAGE;
        memset(block, 1, PAGES * PAGE);
        if (mmap(block + PAGE, PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != block + PAGE ||
            block[PAGE] != 0 || block[0] != 1)
            return 1;
        char *other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *other = 7;
        if (mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, more) != more || *more != 7)
            return 2;
        if (munmap(last, PAGE) != 0 || mmap(last, PAGE, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != last)
            return 3;
        memset(block, 2, PAGES * PAGE);
        free(block);
    }
    return 0;
}

static int read_strange(void) {
    char *block = malloc(BYTES), *volatile inside;
    unsigned tag = (unsigned)((uintptr_t)block >> TOP_BYTE);
    inside = with_top_byte(block + 9, tag > 8 ? tag - 5 : tag + 5);
    return *(volatile char *)inside;
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    int failed = strcmp(what, "kind") == 0      ? keep_numbers(255)
                 : strcmp(what, "small") == 0   ? keep_numbers(15)
                 : strcmp(what, "off") == 0     ? switch_off()
                 : strcmp(what, "mapped") == 0  ? map_over()
                 : strcmp(what, "strange") == 0 ? read_strange()
                                                : 99;
    printf("%s %d\n", what, failed);
    return failed;
}

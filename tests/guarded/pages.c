/* A program that closes pages of its own blocks (mprotect), or gives them back (munmap), and does
 * with such blocks what can be done. Nothing of hakmem's may fault there.
 *
 *     pages kept      blocks are closed and live at the end: hak_verify, hak_find_leaks, the sweep
 *     pages beside    the same beside another thread; in both each page stays as it was made
 *     pages given     closed blocks are freed, resized, asked for their size: each in a child,
 *                     since the program may not touch what it closed when it gets that again
 *     pages at_end    one block of 200,000 bytes lives at the end, its first page is closed
 *     pages damaged   the same, and a byte behind another block is written
 *     pages resized   the same, and it is resized once by the way */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hakmem.h"

enum { page_bytes = 4096, blocks = 12 };
enum { first_page, middle_page, last_page, all_pages, places };
enum { barred, read_only, gone, ways };
enum { freed, grown, shrunk, asked_about, uses };

static const size_t sizes[] = {300, 5000, 20000, 200000, 3000000};
enum { size_count = sizeof sizes / sizeof *sizes };
static char *volatile all[size_count * places * ways * blocks]; /* so that none is a leak */
static unsigned count;
static int out[2];

static void fail(const char *what, size_t size, unsigned place, unsigned way) {
    fprintf(stderr, "pages: %s (%zu bytes, place %u, way %u)\n", what, size, place, way);
    _exit(1);
}

static char *page_of(const char *p) {
    return (char *)((uintptr_t)p & ~(uintptr_t)(page_bytes - 1));
}

/* The last of several blocks; the first ones are guarded. */
static char *make(size_t size, unsigned wanted) {
    char *block = NULL;
    for (unsigned i = 0; i < wanted; i++)
        all[count++] = block = memset(malloc(size), 7, size);
    return block;
}

static char *take_pages(char *block, size_t size, unsigned place, unsigned way) {
    char *start = page_of(place == middle_page ? block + size / 2
                          : place == last_page ? block + size - 1
                                               : block);
    size_t bytes = page_bytes;
    if (place == all_pages)
        bytes = (size_t)(page_of(block + size - 1) + page_bytes - start);
    if (way == gone ? munmap(start, bytes)
                    : mprotect(start, bytes, way == barred ? PROT_NONE : PROT_READ))
        fail("its own page cannot be closed", size, place, way);
    return start;
}

static void use(char *block, size_t size, unsigned how) {
    size_t other = how == grown ? size * 3 : size / 3;
    if (how == freed)
        free(block);
    else if (how == asked_about && malloc_usable_size(block) < size)
        _exit(3);
    else if ((how == grown || how == shrunk) && !(block = realloc(block, other)))
        _exit(4);
}

static void give(void) {
    for (unsigned i = 0; i < size_count * places * ways * uses; i++) {
        size_t size = sizes[i / uses / ways / places];
        unsigned place = i / uses / ways % places, way = i / uses % ways, how = i % uses;
        if ((size < page_bytes && place != first_page) || (way == gone && place == all_pages))
            continue;
        int status;
        pid_t child = fork();
        if (child == 0) {
            char *block = make(size, i % 2 ? blocks : 1);
            take_pages(block, size, place, way);
            use(block, size, how);
            _exit(0);
        }
        if (waitpid(child, &status, 0) != child || status != 0) {
            fprintf(stderr, "pages: use %u ends with status %x\n", how, (unsigned)status);
            fail("a closed block cannot be used", size, place, way);
        }
    }
}

/* The kernel says whether a page can be read; not by write, whose bytes hakmem looks at. */
static int is_open(const char *p) {
    return syscall(SYS_write, out[1], p, 1) == 1;
}

static void keep(void) {
    static char *closed[size_count * places];
    unsigned closed_count = 0;
    for (unsigned i = 0; i < size_count * places * ways; i++) {
        size_t size = sizes[i / ways / places];
        unsigned place = i / ways % places, way = i % ways;
        if (size < page_bytes || way == gone)
            continue;
        char *page = take_pages(make(size, blocks), size, place, way);
        if (way == barred)
            closed[closed_count++] = page;
    }
    char *small = make(300, blocks);
    closed[closed_count++] = take_pages(small, 300, first_page, barred);
    if (hak_verify() != 0)
        fail("hak_verify finds something", 0, 0, 0);
    if (hak_find_leaks && hak_find_leaks() != 0)
        fail("hak_find_leaks finds something", 0, 0, 0);
    for (unsigned i = 0; i < closed_count; i++)
        if (is_open(closed[i]))
            fail("a page is open that the program closed", i, 0, 0);
    take_pages(make(200000, blocks), 200000, middle_page, gone);
}

static void *wait_here(void *unused) {
    pause();
    return unused;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    pthread_t other;
    if (pipe(out) != 0)
        return 2;
    if (strcmp(what, "beside") == 0 && pthread_create(&other, NULL, wait_here, NULL) != 0)
        return 2;
    if (strcmp(what, "given") == 0)
        give();
    else if (strcmp(what, "at_end") == 0)
        take_pages(make(200000, 1), 200000, first_page, barred);
    else if (strcmp(what, "damaged") == 0) {
        take_pages(make(200000, 1), 200000, first_page, barred);
        *(volatile char *)(make(200, blocks) + 200) = 'x';
    } else if (strcmp(what, "resized") == 0) {
        take_pages(make(200000, 1), 200000, first_page, barred);
        all[0] = realloc(all[0], 100000);
        take_pages(all[0], 100000, first_page, barred);
    } else
        keep();
    return 0;
}

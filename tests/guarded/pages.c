/* A program that closes pages of its own blocks (mprotect, MADV_GUARD_INSTALL), or gives them back
 * (munmap), and does with such blocks what can be done. Nothing of hakmem's may fault there.
 *
 *     pages kept      blocks are closed and live at the end: hak_verify, hak_find_leaks, the sweep
 *     pages beside    the same beside another thread; in both each page stays as it was made
 *     pages given     closed blocks are freed, resized, asked for their size: each in a child,
 *                     since the program may not touch what it closed when it gets that again
 *     pages blocked   the same of large blocks, on a thread that blocks all signals
 *     pages large     the same of large blocks alone, but for realloc to a greater one, which has
 * to read the block: what libhakmem.so and glibc do, too pages toggled   a thread closes and opens
 * pages of its block while another one looks pages at_end    one block of 200,000 bytes lives at
 * the end, its first page is closed pages damaged   the same, and a byte behind another block is
 * written pages resized   the same, and it is resized once by the way */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hakmem.h"

enum { page_bytes = 4096, blocks = 12, large_bytes = 100000, guard_install = 102 };
enum { first_page, middle_page, last_page, all_pages, places };
enum {
    barred,
    read_only,
    guarded,
    gone,
    ways
}; /* guarded: barred where the kernel has no guards */
enum { freed, shrunk, grown, uses };

/* Multiples of a page are asked for at its start, so that each page is the block's alone. */
static const size_t sizes[] = {300, 4096, 5000, 8192, 20000, 65536, 200000, 3000000};
enum { size_count = sizeof sizes / sizeof *sizes };
static char *volatile all[(size_count * places * ways + 2) * blocks]; /* so that none is a leak */
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
    for (unsigned i = 0; i < wanted; i++) {
        block = size % page_bytes == 0 ? aligned_alloc(page_bytes, size)
                : i % 2                ? malloc(size)
                                       : calloc(1, size);
        block[0] = block[size - 1] = 7;
        all[count++] = block;
    }
    return block;
}

static char *take_pages(char *block, size_t size, unsigned place, unsigned way) {
    char *start = page_of(place == middle_page ? block + size / 2
                          : place == last_page ? block + size - 1
                                               : block);
    size_t bytes = page_bytes;
    if (place == all_pages)
        bytes = (size_t)(page_of(block + size - 1) + page_bytes - start);
    if (way == guarded && madvise(start, bytes, guard_install) == 0)
        return start;
    if (way == gone ? munmap(start, bytes)
                    : mprotect(start, bytes, way == read_only ? PROT_READ : PROT_NONE))
        fail("its own page cannot be closed", size, place, way);
    return start;
}

static void use(char *block, size_t size, unsigned how) {
    if (malloc_usable_size(block) < size)
        _exit(3);
    if (how == freed)
        free(block);
    else if (!realloc(block, how == grown ? size * 3 : size / 3))
        _exit(4);
}

/* Of blocks of `least` bytes and more, in the first of the `used` ways. */
static void give(size_t least, unsigned used) {
    for (unsigned i = 0; i < size_count * places * ways * uses; i++) {
        size_t size = sizes[i / uses / ways / places];
        unsigned place = i / uses / ways % places, way = i / uses % ways, how = i % uses;
        if (size < least || how >= used || (size <= page_bytes && place != first_page) ||
            (way == gone && place == all_pages))
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

/* A child of a fork looks as well. */
static void look_in_child(void) {
    int status;
    pid_t child = fork();
    if (child == 0)
        exit(hak_verify() != 0);
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("a child cannot look", 0, 0, 0);
}

/* All blocks are there before a page is closed, on which another one may lie. */
static void keep(void) {
    enum { most = size_count * places * ways + 1 };
    static char *made[most], *closed[most];
    unsigned closed_count = 0;
    for (unsigned i = 0; i < most; i++)
        made[i] = make(i == most - 1 ? sizes[0] : sizes[i / ways / places], blocks);
    char *last = make(200000, blocks);
    for (unsigned i = 0; i < most - 1; i++) {
        size_t size = sizes[i / ways / places];
        unsigned place = i / ways % places, way = i % ways;
        if (size < page_bytes || way == gone)
            continue;
        char *page = take_pages(made[i], size, place, way);
        if (way != read_only)
            closed[closed_count++] = page;
    }
    closed[closed_count++] = take_pages(made[most - 1], sizes[0], first_page, barred);
    if (hak_verify() != 0)
        fail("hak_verify finds something", 0, 0, 0);
    if (hak_find_leaks && hak_find_leaks() != 0)
        fail("hak_find_leaks finds something", 0, 0, 0);
    for (unsigned i = 0; i < closed_count; i++)
        if (is_open(closed[i]))
            fail("a page is open that the program closed", i, 0, 0);
    take_pages(last, 200000, middle_page, gone);
    look_in_child();
}

static volatile int is_over;

static void *toggle(void *given) {
    char **block = given;
    while (!is_over)
        for (unsigned i = 0; i < size_count; i++)
            if (block[i] && (mprotect(page_of(block[i]), page_bytes, PROT_NONE) != 0 ||
                             mprotect(page_of(block[i]), page_bytes, PROT_READ | PROT_WRITE) != 0))
                fail("its own page cannot be closed", sizes[i], 0, 0);
    return NULL;
}

static void look_beside_toggle(void) {
    enum { looks = 300 };
    char *block[size_count] = {NULL};
    pthread_t other;
    for (unsigned i = 0; i < size_count; i++)
        block[i] = sizes[i] < page_bytes ? NULL : make(sizes[i], blocks);
    if (pthread_create(&other, NULL, toggle, block) != 0)
        fail("no thread", 0, 0, 0);
    for (unsigned i = 0; i < looks; i++)
        if (hak_verify() != 0)
            fail("hak_verify finds something", i, 0, 0);
    is_over = 1;
    pthread_join(other, NULL);
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
        give(0, uses);
    else if (strcmp(what, "large") == 0)
        give(large_bytes, grown);
    else if (strcmp(what, "blocked") == 0 || strcmp(what, "unheard") == 0) {
        sigset_t signals;
        sigfillset(&signals);
        sigprocmask(SIG_SETMASK, &signals, NULL);
        give(large_bytes, strcmp(what, "blocked") == 0 ? grown : shrunk);
    } else if (strcmp(what, "toggled") == 0)
        look_beside_toggle();
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

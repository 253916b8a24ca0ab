/* Gives pointers with other tags than their memory's to calls of the kernel, which answers EFAULT
 * where it compares (tests/arm/tags.sh). qemu-user does not: compares() says what a kernel would
 * do for the calling thread.
 *
 *     tag_kernel first     the program takes the tag off, and no access comes before the call
 *     tag_kernel looked    likewise, by a thread that does not know that nothing is compared, by a
 *                          call that hakmem looks at
 *     tag_kernel other     by one that it does not look at, after a malloc
 *     tag_kernel WAY BYTES  a block of so many bytes
 *     tag_kernel stale     the block was freed, and a later one lives there
 *     tag_kernel dropped   of BYTES, pages of it were dropped: they have its tag again
 *     tag_kernel closed    a page of it is closed: the kernel says so, nobody else
 *     tag_kernel mapped    a page of it is a file's, which can be read, and then be written
 *     tag_kernel unwritable  a page of it was dropped, and can be read alone
 *     tag_kernel refused   counts that the kernel refuses before it reads
 *     tag_kernel name      of a symbolic link, by the pointer of stale
 *     tag_kernel behind    bytes behind the block are written, too
 *     tag_kernel pieces    likewise, in a piece whose table lies in a block
 *     tag_kernel received  more bytes than the block has come from a pipe
 *     tag_kernel asked     as many as it has come, a page at most, of more that are asked for */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "platform/aarch64/tags.h"

enum { WRITTEN = 40, TRIES = 20000, GET_CONTROL = 56 /* PR_GET_TAGGED_ADDR_CTRL */ };

static const char *what;
static size_t bytes;
static int ends[2];
static char *kept;
static pthread_barrier_t masked;

static char *without_tag(char *p) {
    return (char *)((uintptr_t)p & (((uintptr_t)1 << HAK_TAG_SHIFT) - 1));
}

static bool compares(void) {
    return (prctl(GET_CONTROL, 0, 0, 0, 0) & (HAK_TAGS_SYNC | HAK_TAGS_ASYNC)) != 0;
}

static void *work(void *unused) {
    pthread_barrier_wait(&masked);
    bool before = compares();
    if (strcmp(what, "other") == 0) {
        void *volatile block = malloc(bytes);
        free(block);
    } else if (write(ends[1], kept, WRITTEN) != WRITTEN) {
        puts("not written");
    }
    printf("compares %d, then %d\n", before, compares());
    return unused;
}

/* A pointer to a freed block in whose place another one lives. */
static char *stale(void) {
    char *old = malloc(bytes), *next = NULL;
    free(old);
    for (int i = 0; i < TRIES && without_tag(next) != without_tag(old); i++) {
        free(next);
        next = malloc(bytes);
    }
    return old;
}

enum { PAGE = 4096 };

/* The second page that lies whole in the block. */
static char *page_in(char *block) {
    return (char *)(((uintptr_t)without_tag(block) + 2 * PAGE - 1) & ~(uintptr_t)(PAGE - 1));
}

static int write_all(const char *block, size_t length) {
    int null = open("/dev/null", O_WRONLY);
    ssize_t written = write(null, block, length);
    close(null);
    return written == (ssize_t)length ? 0 : errno;
}

static int write_pieces(char *block, size_t length) {
    struct iovec *table = malloc(sizeof *table);
    int null = open("/dev/null", O_WRONLY);
    *table = (struct iovec){block, length};
    ssize_t written = writev(null, table, 1);
    close(null);
    return written == (ssize_t)length ? 0 : errno;
}

static int drop(void) {
    char *block = malloc(bytes), *page = page_in(block);
    uintptr_t tag = (uintptr_t)block >> HAK_TAG_SHIFT;
    memset(block, 1, bytes);
    madvise(page, 3 * PAGE, MADV_DONTNEED);
    printf("dropped %u, ", hak_tag_at(page + PAGE));
    int error = write_all(block, bytes);
    for (size_t i = 0; i < bytes / 16 && error == 0; i++)
        if (hak_tag_at(without_tag(block) + 16 * i) != tag)
            error = -1;
    printf("error %d\n", error);
    return 0;
}

/* Nobody says a word of a page without tags, and the program reads it. */
static int read_untagged(bool is_mapped) {
    char *block = malloc(bytes), *page = page_in(block);
    int file = open("/proc/self/exe", O_RDONLY), error = 0;
    memset(block, 1, bytes);
    for (int way = PROT_READ; way <= (PROT_READ | PROT_WRITE) && error == 0; way += PROT_WRITE) {
        bool is_ready =
            is_mapped ? mmap(page, PAGE, way, MAP_PRIVATE | MAP_FIXED, file, 0) == page
                      : madvise(page, PAGE, MADV_DONTNEED) == 0 && mprotect(page, PAGE, way) == 0;
        error = is_ready ? write_all(block, bytes) : -1;
        for (size_t i = 0; i < bytes && error == 0; i++)
            if (((volatile char *)block)[i] != (char)1 && (i < PAGE || i >= 4 * PAGE))
                error = -2;
    }
    printf("error %d\n", error);
    return 0;
}

static int write_too_many(void) {
    char *block = malloc(bytes);
    memset(block, 1, bytes);
    bool is_refused = write(ends[1], block, SIZE_MAX) < 0;
    printf("refused %d, %d\n", is_refused, pwrite(ends[1], block, SIZE_MAX - 4, 0) < 0);
    return 0;
}

static int read_link(void) {
    char *name = stale(), target[WRITTEN];
    return readlinkat(AT_FDCWD, name, target, sizeof target) < 0 ? 0 : 3;
}

static int close_page(void) {
    char *block = malloc(bytes), *page = page_in(block);
    memset(block, 1, bytes);
    mprotect(page, PAGE, PROT_NONE);
    char *in_block = block + (page - without_tag(block));
    bool is_refused = read(ends[0], in_block, WRITTEN) < 0 && errno == EFAULT;
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    printf("refused %d, whole %d\n", is_refused, in_block[5] == 1);
    return 0;
}

/* How accesses of the receiver are compared when the signal interrupts it. */
static volatile int compared_within = -1;
static void note(int signal) {
    (void)signal;
    compared_within = compares();
}

/* Sends when the receiver was seen within its call, where the kernel compares nothing, or was not
 * seen so in many tries. */
static void *send_later(void *receiver) {
    static char sent[PAGE];
    for (int tries = 0; tries < 500 && compared_within != 0; tries++) {
        pthread_kill(*(pthread_t *)receiver, SIGUSR1);
        usleep(10000);
    }
    return write(ends[1], sent, bytes) == (ssize_t)bytes ? NULL : receiver;
}

static int receive(size_t room) {
    enum { MORE = 64 };
    pthread_t sender, self = pthread_self();
    char *block = malloc(room);
    bytes = strcmp(what, "asked") != 0 ? room + 16 : room < PAGE ? room : PAGE;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = note, .sa_flags = SA_RESTART}, NULL);
    pthread_create(&sender, NULL, send_later, &self);
    ssize_t received = read(ends[0], block, room + MORE);
    pthread_join(sender, NULL);
    printf("%zd of %zu, compares %d, then %d\n", received, bytes, compared_within, compares());
    return 0;
}

int main(int count, char **arguments) {
    pthread_t thread;
    what = count > 1 ? arguments[1] : "first";
    bytes = count > 2 ? (size_t)atol(arguments[2]) : WRITTEN;
    bool is_stale = strcmp(what, "stale") == 0, is_first = strcmp(what, "first") == 0;
    if (pipe(ends) != 0)
        return 2;
    kept = is_stale ? stale() : without_tag(malloc(bytes));
    if (strcmp(what, "dropped") == 0)
        return drop();
    if (strcmp(what, "mapped") == 0 || strcmp(what, "unwritable") == 0)
        return read_untagged(strcmp(what, "mapped") == 0);
    if (strcmp(what, "refused") == 0)
        return write_too_many();
    if (strcmp(what, "name") == 0)
        return read_link();
    if (strcmp(what, "closed") == 0)
        return write(ends[1], arguments[0], WRITTEN) == WRITTEN ? close_page() : 2;
    if (strcmp(what, "received") == 0 || strcmp(what, "asked") == 0)
        return receive(bytes);
    if (strcmp(what, "behind") == 0) {
        char *block = malloc(bytes);
        return write_all(block, malloc_usable_size(block) + 16);
    }
    if (strcmp(what, "pieces") == 0) {
        char *block = malloc(bytes);
        return write_pieces(block, malloc_usable_size(block) + 16);
    }
    pthread_barrier_init(&masked, NULL, 2);
    pthread_create(&thread, NULL, work, NULL);
    if (!is_stale && !is_first)
        memset(kept, 'a', WRITTEN);
    pthread_barrier_wait(&masked);
    pthread_join(thread, NULL);
    return 0;
}

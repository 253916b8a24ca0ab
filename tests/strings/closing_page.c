/* Hands to the kernel what lies on a page that another thread closes and opens all the time: each
 * call gives what it gives with an open page, or EFAULT. A number of calls of each kind, with the
 * page mapped and in a block; a line for each, and status 1 for any other result. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../tools/older.h"

enum { PAGE = 4096, TEXT_AT = 2048, TABLE_AT = 1024, PIECES = 40, BLOCK = 16 * PAGE };

static char *page;
static size_t page_bytes = PAGE; /* that are the program's */
static int zeros, ends[2];
static char taken[64];
static char *none[] = {NULL};

static struct iovec *pieces(void) {
    return (struct iovec *)(void *)page;
}
static struct mmsghdr *messages(void) {
    return (struct mmsghdr *)(void *)(page + TABLE_AT);
}
static char **words(void) {
    return (char **)(void *)(page + TABLE_AT);
}
static char *text(void) {
    return page + TEXT_AT;
}

static void lay_pieces(void) {
    for (int i = 0; i < PIECES; i++)
        pieces()[i] = (struct iovec){taken + i, 1};
}
static void lay_messages(void) {
    lay_pieces();
    for (int i = 0; i < 2; i++)
        messages()[i] = (struct mmsghdr){{.msg_iov = pieces(), .msg_iovlen = PIECES}, 0};
}
static void lay_name(void) {
    strcpy(text(), "/nowhere/at/all");
}
static void lay_environment(void) {
    strcpy(text(), "LD_PRELOAD=/nowhere/libother.so:/nowhere/hakmem-debug.so");
    words()[0] = (char *)"A=1";
    words()[1] = text();
    words()[2] = NULL;
}

static long call_writev(void) {
    return writev(zeros, pieces(), PIECES);
}
static long call_readv(void) {
    return readv(zeros, pieces(), PIECES);
}
static long call_sendmsg(void) {
    return sendmsg(ends[0], &messages()->msg_hdr, MSG_DONTWAIT);
}
static long call_recvmsg(void) {
    return recvmsg(ends[1], &messages()->msg_hdr, MSG_DONTWAIT);
}
static long call_sendmmsg(void) {
    return sendmmsg(ends[0], messages(), 2, MSG_DONTWAIT);
}
static long call_recvmmsg(void) {
    return recvmmsg(ends[1], messages(), 2, MSG_DONTWAIT, NULL);
}
/* The page in front of it, of the same block. */
static long call_write_beside(void) {
    return write(zeros, page - PAGE, 64);
}
static long call_readlink(void) {
    return readlink(text(), taken, sizeof taken);
}
static long call_access(void) {
    return access(text(), F_OK);
}
static long call_path(void) {
    return execve(text(), none, none);
}
static long call_arguments(void) {
    return execve("/nowhere", words(), none);
}
static long call_environment(void) {
    return execve("/nowhere", none, words());
}
static long call_own_environment(void) {
    char **before = environ;
    environ = words();
    long result = execv("/nowhere", none);
    environ = before;
    return result;
}
static long call_sigaltstack(void) {
    return sigaltstack((stack_t *)(void *)text(), NULL);
}

static const struct {
    const char *name;
    void (*lay)(void);
    long (*call)(void);
    int error; /* with an open page; 0: it is done, EAGAIN: or it is */
} kinds[] = {
    {"writev", lay_pieces, call_writev, 0},
    {"readv", lay_pieces, call_readv, 0},
    {"sendmsg", lay_messages, call_sendmsg, EAGAIN},
    {"recvmsg", lay_messages, call_recvmsg, EAGAIN},
    {"sendmmsg", lay_messages, call_sendmmsg, EAGAIN},
    {"recvmmsg", lay_messages, call_recvmmsg, EAGAIN},
    {"write, beside", lay_name, call_write_beside, 0},
    {"readlink", lay_name, call_readlink, ENOENT},
    {"access", lay_name, call_access, ENOENT},
    {"execve, path", lay_name, call_path, ENOENT},
    {"execve, arguments", lay_environment, call_arguments, ENOENT},
    {"execve, environment", lay_environment, call_environment, ENOENT},
    {"execv, environ", lay_environment, call_own_environment, ENOENT},
    {"sigaltstack", lay_name, call_sigaltstack, EINVAL},
};

static atomic_bool is_over;

static void *close_and_open(void *unused) {
    while (!atomic_load(&is_over)) {
        (void)mprotect(page, PAGE, PROT_NONE);
        (void)mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    }
    return unused;
}

static int is_due(unsigned kind, long result) {
    int error = kinds[kind].error;
    return result >= 0 ? error == 0 || error == EAGAIN : errno == EFAULT || errno == error;
}

/* `calls` of one kind, the page closed and opened meanwhile. */
static int call_kind(unsigned kind, int calls) {
    pthread_t other;
    int wrong = 0;
    memset(page, 0, page_bytes);
    kinds[kind].lay();
    atomic_store(&is_over, false);
    if (pthread_create(&other, NULL, close_and_open, NULL) != 0)
        return 2;
    for (int i = 0; i < calls && !wrong; i++) {
        errno = 0;
        long result = kinds[kind].call();
        wrong = !is_due(kind, result);
        if (wrong)
            fprintf(stderr, "%s: %ld, errno %d\n", kinds[kind].name, result, errno);
    }
    atomic_store(&is_over, true);
    pthread_join(other, NULL);
    printf("%s\n", kinds[kind].name);
    fflush(stdout);
    return wrong;
}

static int call_all(int calls) {
    int wrong = 0;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        wrong |= call_kind(i, calls);
    return wrong;
}

/* The number of calls of each kind. */
int main(int count, char **arguments) {
    int calls = count == 2 ? atoi(arguments[1]) : 0;
    char *block = aligned_alloc(PAGE, BLOCK), *cut = aligned_alloc(PAGE, 2 * PAGE - 64);
    zeros = open("/dev/zero", O_RDWR);
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (calls <= 0 || !block || !cut || zeros < 0 || page == MAP_FAILED ||
        socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
        return 2;
    int wrong = call_all(calls);
    page = block + PAGE;
    wrong |= call_all(calls);
    free(block);
    page = cut + PAGE; /* the block ends in it */
    page_bytes = PAGE - 64;
    wrong |= call_all(calls);
    free(cut);
    return wrong;
}

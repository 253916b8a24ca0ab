/* A write into a memfd that does not end: the page that it copies from is kept back by userfaultfd.
 * It holds the inode's lock meanwhile. A FUSE server, or a hostile program's userfaultfd, would do
 * the same. */
#ifndef HAK_TESTS_HELD_WRITE_H
#define HAK_TESTS_HELD_WRITE_H

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct held_write {
    int faults, memfd;
    void *page;
    pthread_t writer;
};

static inline void *held_write_run(void *context) {
    struct held_write *h = context;
    ssize_t written = pwrite(h->memfd, h->page, 8, 8192);
    return written == 8 ? h : NULL;
}

/* False: this user may not do that here. */
static inline bool held_write_begin(struct held_write *h, int memfd) {
    struct uffdio_api api = {.api = UFFD_API};
    *h = (struct held_write){.memfd = memfd};
    h->faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (h->faults < 0 || ioctl(h->faults, UFFDIO_API, &api) != 0)
        return false;
    h->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register part = {.range = {(uintptr_t)h->page, 4096},
                                   .mode = UFFDIO_REGISTER_MODE_MISSING};
    ck_assert_int_eq(ioctl(h->faults, UFFDIO_REGISTER, &part), 0);
    ck_assert_int_eq(pthread_create(&h->writer, NULL, held_write_run, h), 0);
    struct pollfd fault = {.fd = h->faults, .events = POLLIN};
    ck_assert_int_eq(poll(&fault, 1, 60000), 1); /* the writer waits */
    return true;
}

/* Lets it go on, and waits for its end. */
static inline void held_write_end(struct held_write *h) {
    void *done = NULL;
    struct uffdio_zeropage zero = {.range = {(uintptr_t)h->page, 4096}};
    ck_assert_int_eq(ioctl(h->faults, UFFDIO_ZEROPAGE, &zero), 0);
    pthread_join(h->writer, &done);
    ck_assert_ptr_eq(done, h);
    munmap(h->page, 4096);
    close(h->faults);
}

#endif

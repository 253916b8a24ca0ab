/* Sleeps on futexes of several sessions and on descriptors together. */
#include "collector/worker/bell.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "newer.h"

#define WAITV_MAX 120
#define SLICE_MS  5

/* As in linux/futex.h since 5.16. */
struct wait_word {
    uint64_t value, address;
    uint32_t flags, reserved;
};

/* Runs the thread: rings the bell when a descriptor of the epoll is ready, and waits each time
 * until that was heard. */
static void *watch_descriptors(void *argument) {
    struct hak_bell *bell = argument;
    for (;;) {
        struct pollfd p = {.fd = bell->epoll, .events = POLLIN};
        if (poll(&p, 1, -1) <= 0)
            continue;
        atomic_store(&bell->waiting, true);
        atomic_fetch_add(&bell->word, 1);
        syscall(SYS_futex, &bell->word, FUTEX_WAKE, 1, NULL, NULL, 0);
        while (sem_wait(&bell->heard) != 0 && errno == EINTR)
            continue;
    }
    return NULL;
}

int hak_bell_start(struct hak_bell *bell) {
    *bell = (struct hak_bell){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (bell->epoll < 0 || sem_init(&bell->heard, 0, 0) != 0)
        return -1;
    return pthread_create(&bell->thread, NULL, watch_descriptors, bell) == 0 ? 0 : -1;
}

void hak_bell_prepare(struct hak_bell *bell, struct hak_client **clients, uint32_t count,
                      uint32_t *seen) {
    seen[0] = atomic_load(&bell->word);
    for (uint32_t i = 0; i < count; i++) {
        struct hak_session *s = hak_mapping_header(&clients[i]->map);
        atomic_store(&s->collector_waits, 1);
        seen[i + 1] = atomic_load(&s->doorbell);
    }
}

static void sleep_slice(int timeout_ms) {
    struct timespec slice = {0, 1000000 * (timeout_ms < SLICE_MS ? timeout_ms : SLICE_MS)};
    nanosleep(&slice, NULL);
}

void hak_bell_wait(struct hak_bell *bell, struct hak_client **clients, uint32_t count,
                   const uint32_t *seen, int timeout_ms) {
    struct wait_word words[WAITV_MAX + 1];
    if (timeout_ms <= 0)
        return;
    if (bell->no_waitv || count > WAITV_MAX) {
        sleep_slice(timeout_ms);
        return;
    }
    words[0] = (struct wait_word){seen[0], (uint64_t)(uintptr_t)&bell->word, FUTEX_32, 0};
    for (uint32_t i = 0; i < count; i++)
        words[i + 1] = (struct wait_word){
            seen[i + 1], (uint64_t)(uintptr_t)&hak_mapping_header(&clients[i]->map)->doorbell,
            FUTEX_32, 0};
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (syscall(SYS_futex_waitv, words, count + 1, 0, &until, CLOCK_MONOTONIC) < 0 &&
        (errno == ENOSYS || errno == EPERM || errno == EINVAL))
        bell->no_waitv = true;
    for (uint32_t i = 0; i < count; i++)
        atomic_store(&hak_mapping_header(&clients[i]->map)->collector_waits, 0);
}

void hak_bell_heard(struct hak_bell *bell) {
    if (atomic_exchange(&bell->waiting, false))
        sem_post(&bell->heard);
}

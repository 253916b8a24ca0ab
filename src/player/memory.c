/* Looks at the resident anonymous memory while the play goes on: its peak, its mean, and where it
 * stands at each step. */
#include "player/player.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include "arch.h"

enum { LOOK_NS = 1000000, DROP_BYTES = 64 << 20 };

static int statm = -1;
static pthread_t watcher;
static uint64_t watcher_cpu_ns;

uint64_t player_now_ns(int clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Reads a number and moves on behind it. */
static uint64_t read_number(const char **at) {
    uint64_t value = 0;
    while (**at == ' ')
        ++*at;
    for (; **at >= '0' && **at <= '9'; ++*at)
        value = value * 10 + (uint64_t)(**at - '0');
    return value;
}

/* RssAnon is what is resident less what is of files and shared. False: not known. */
static bool read_memory(uint64_t *anonymous, uint64_t *shared) {
    char line[256];
    const char *at = line;
    ssize_t got = pread(statm, line, sizeof line - 1, 0);
    if (got <= 0)
        return false;
    line[got] = '\0';
    read_number(&at);
    uint64_t resident = read_number(&at), of_files = read_number(&at);
    *shared = of_files * HAK_PAGE_BYTES;
    *anonymous = (resident - of_files) * HAK_PAGE_BYTES;
    return true;
}

uint64_t player_anonymous_bytes(void) {
    uint64_t anonymous = 0, shared;
    read_memory(&anonymous, &shared);
    return anonymous;
}

static void raise_peak(uint64_t bytes) {
    uint64_t *peak = &player.result->peak_anonymous;
    uint64_t before = __atomic_load_n(peak, __ATOMIC_RELAXED);
    while (bytes > before && !__atomic_compare_exchange_n(peak, &before, bytes, false,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void player_look(void) {
    raise_peak(player_anonymous_bytes());
}

/* The bytes that are live now, of all threads. */
static uint64_t sum_live(void) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < player.head->threads; i++)
        sum += __atomic_load_n(&player.progress[i].live_bytes, __ATOMIC_RELAXED);
    return sum > 0 ? (uint64_t)sum : 0;
}

void player_take_step(uint64_t units) {
    uint64_t every = player.head->step_units;
    if (every == 0 || units % every != 0 || units / every >= PLAY_STEPS_MAX)
        return;
    struct play_step *step = &player.result->step[units / every];
    step->ns = player_now_ns(CLOCK_MONOTONIC) - player.begin_ns;
    step->calls = units * PLAY_UNIT;
    step->live_bytes = sum_live();
    step->anonymous_bytes = player_anonymous_bytes();
    raise_peak(step->anonymous_bytes);
    if (step->live_bytes > player.result->peak_live_bytes)
        player.result->peak_live_bytes = step->live_bytes;
}

/* Looks once a millisecond, and once more when the play is over. Pages of the play file that were
 * read are given back now and then: a play of any length holds few of them. */
static void *look(void *unused) {
    (void)unused;
    struct play_result *r = player.result;
    for (bool is_over = false; !is_over;) {
        uint64_t shared = 0, calls = 0, bytes;
        is_over = __atomic_load_n(&player.is_over, __ATOMIC_ACQUIRE);
        if (read_memory(&bytes, &shared)) {
            raise_peak(bytes);
            r->sum_anonymous += bytes;
            r->looks++;
        }
        for (uint32_t i = 0; i < player.head->threads; i++) {
            calls += __atomic_load_n(&player.progress[i].all_calls, __ATOMIC_RELAXED);
            player_wake_missed(&player.progress[i]);
        }
        __atomic_store_n(&r->calls, calls, __ATOMIC_RELAXED);
        if (shared > DROP_BYTES + player.head->slots * sizeof *player.slot)
            madvise((void *)player.file, player.file_bytes, MADV_DONTNEED);
        struct timespec pause = {.tv_nsec = is_over ? 0 : LOOK_NS};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    watcher_cpu_ns = player_now_ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

bool player_start_looking(void) {
    statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    return pthread_create(&watcher, NULL, look, NULL) == 0;
}

uint64_t player_end_looking(void) {
    pthread_join(watcher, NULL);
    return watcher_cpu_ns;
}

/* The side of a keeper's owner: `run` starts one in itself, asks it, and ends it. */
#include "collector/keeper/keeper_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS      200 /* between two looks at the store's files */
#define TELL_MS      3000
#define JOIN_SECONDS 5
#define LIVE_MS      100 /* between two questions whether processes still live */

int hak_keeper_start(const struct hak_keeper_options *options, struct hak_keeper **out, char *error,
                     size_t error_bytes) {
    *out = NULL;
    if (access(options->collect_path, X_OK) != 0) {
        snprintf(error, error_bytes,
                 "hakmem: %s cannot be executed (%s); it must lie beside hakmem-trace",
                 options->collect_path, strerror(errno));
        return -1;
    }
    char few[160];
    if (!hak_keeper_has_files(few, sizeof few)) {
        snprintf(error, error_bytes, "nothing can be recorded: %s", few);
        return -1;
    }
    struct hak_keeper *k = hak_keeper_make(options->collect_path);
    if (k) {
        k->hold = true;
        k->config.hold = 1;
        k->config.replace_store = options->replace_store;
        k->config.color = options->color;
        snprintf(k->config.store_path, HAK_PATH_BYTES, "%s",
                 options->store_path ? options->store_path : "");
        snprintf(k->config.log_path, HAK_PATH_BYTES, "%s",
                 options->log_path ? options->log_path : "");
        k->listening = hak_keeper_open_socket(k->config.socket_name);
    }
    /* The owner's signals are not the keeper's: all stay with its other threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = !k || k->listening < 0 || k->wake < 0
                     ? errno
                     : pthread_create(&k->thread, NULL, hak_keeper_run, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed || !k) {
        snprintf(error, error_bytes,
                 "hakmem: the keeper of the recording cannot be started (%s); is the limit of open "
                 "files or of memory reached?",
                 strerror(failed));
        if (k)
            hak_keeper_free(k);
        return -1;
    }
    *out = k;
    return 0;
}

const char *hak_keeper_socket_name(const struct hak_keeper *keeper) {
    return keeper->config.socket_name;
}

void hak_keeper_store_path(struct hak_keeper *keeper, char *out, size_t bytes) {
    pthread_mutex_lock(&keeper->lock);
    snprintf(out, bytes, "%s", keeper->store_path);
    pthread_mutex_unlock(&keeper->lock);
}

uint32_t hak_keeper_sessions(struct hak_keeper *keeper) {
    pthread_mutex_lock(&keeper->lock);
    uint32_t sessions = keeper->sessions;
    pthread_mutex_unlock(&keeper->lock);
    return sessions;
}

static void wake_keeper(struct hak_keeper *k) {
    uint64_t one = 1;
    if (write(k->wake, &one, sizeof one) < 0)
        return;
}

/* How long the owner waits: `timeout_ms` after the store's files last changed, so that a slow disk
 * gets the time it takes, and a collector that stands still does not. */
struct patience {
    int timeout_ms; /* -1 = for ever */
    uint64_t begun_ms, due_ms;
    bool told;     /* whoever looks at a terminal knows what is waited for */
    uint64_t seen; /* size and times of the store's files, mixed */
};

/* With the lock held. Where the files cannot be looked at it is the same each time. */
static uint64_t look_at_store(const struct hak_keeper *k) {
    static const char *const files[] = {"", "-wal"};
    uint64_t seen = 0;
    for (int i = 0; i < 2; i++) {
        char path[HAK_PATH_BYTES + 8];
        struct stat file;
        snprintf(path, sizeof path, "%s%s", k->store_path, files[i]);
        if (!k->store_path[0] || stat(path, &file) != 0)
            continue;
        uint64_t facts[] = {(uint64_t)file.st_size, (uint64_t)file.st_mtim.tv_sec,
                            (uint64_t)file.st_mtim.tv_nsec};
        for (int j = 0; j < 3; j++)
            seen = seen * 0x9e3779b97f4a7c15u + facts[j];
    }
    return seen;
}

/* With the lock held. */
static struct patience begin_patience(const struct hak_keeper *k, int timeout_ms) {
    uint64_t now = hak_time_ms();
    return (struct patience){.timeout_ms = timeout_ms,
                             .begun_ms = now,
                             .due_ms = now + (uint64_t)timeout_ms,
                             .seen = look_at_store(k)};
}

/* With the lock held: waits for a change of the keeper's. False when the time is over. */
static bool wait_change(struct hak_keeper *k, struct patience *p) {
    uint64_t now = hak_time_ms();
    uint64_t seen = look_at_store(k);
    if (seen != p->seen)
        p->due_ms = now + (uint64_t)p->timeout_ms;
    p->seen = seen;
    if (p->timeout_ms >= 0 && now >= p->due_ms)
        return false;
    if (!p->told && now >= p->begun_ms + TELL_MS && isatty(STDERR_FILENO)) {
        hak_say("the program has ended; its last records are being stored");
        p->told = true;
    }
    uint64_t until = now + LOOK_MS;
    struct timespec t = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};
    pthread_cond_timedwait(&k->changed, &k->lock, &t);
    return true;
}

int hak_keeper_wait_committed(struct hak_keeper *keeper, int timeout_ms, uint32_t *live) {
    pthread_mutex_lock(&keeper->lock);
    struct patience patience = begin_patience(keeper, timeout_ms);
    uint32_t wanted = ++keeper->sync_wanted;
    wake_keeper(keeper);
    bool in_time = true;
    while (keeper->sync_done != wanted && !keeper->ended && in_time)
        in_time = wait_change(keeper, &patience);
    bool done = keeper->sync_done == wanted;
    *live = keeper->sync_live;
    pthread_mutex_unlock(&keeper->lock);
    return done ? 0 : -1;
}

void hak_keeper_wait_for_live(struct hak_keeper *keeper, int timeout_ms,
                              const volatile sig_atomic_t *stop) {
    uint32_t live = 0;
    while ((!stop || !*stop) && hak_keeper_wait_committed(keeper, timeout_ms, &live) == 0 &&
           live > 0)
        usleep(LIVE_MS * 1000);
}

enum hak_store_end hak_keeper_stop(struct hak_keeper *keeper, int timeout_ms) {
    uint32_t live = 0;
    bool known = hak_keeper_wait_committed(keeper, timeout_ms, &live) == 0;
    bool hand_over = known && live > 0;
    pthread_mutex_lock(&keeper->lock);
    struct patience patience = begin_patience(keeper, timeout_ms);
    keeper->hold = false;
    keeper->hand_over = hand_over;
    wake_keeper(keeper);
    bool in_time = true;
    while (!keeper->ended && in_time)
        in_time = wait_change(keeper, &patience);
    bool is_handed_over = hand_over && keeper->ended;
    keeper->leave = true;
    wake_keeper(keeper);
    pthread_mutex_unlock(&keeper->lock);
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += JOIN_SECONDS;
    bool has_ended = pthread_clockjoin_np(keeper->thread, NULL, CLOCK_MONOTONIC, &limit) == 0;
    bool is_closed = has_ended && keeper->finished;
    if (has_ended) /* else the kernel holds it: it goes with this process */
        hak_keeper_free(keeper);
    return is_closed            ? HAK_STORE_CLOSED
           : is_handed_over     ? HAK_STORE_HANDED_OVER
           : known && live == 0 ? HAK_STORE_COMMITTED
                                : HAK_STORE_BEHIND;
}

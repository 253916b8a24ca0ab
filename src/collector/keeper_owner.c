/* The side of a keeper's owner: `run` starts one in itself, asks it, and ends it. */
#include "collector/keeper_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* With the lock held: waits for a change. False when the time is over. */
static bool wait_change(struct hak_keeper *k, uint64_t due_ms) {
    if (due_ms == UINT64_MAX)
        return pthread_cond_wait(&k->changed, &k->lock) == 0;
    struct timespec t = {(time_t)(due_ms / 1000), (long)(due_ms % 1000) * 1000000};
    return pthread_cond_timedwait(&k->changed, &k->lock, &t) == 0;
}

static uint64_t due_in(int timeout_ms) {
    return timeout_ms < 0 ? UINT64_MAX : hak_keeper_now_ms() + (uint64_t)timeout_ms;
}

int hak_keeper_wait_committed(struct hak_keeper *keeper, int timeout_ms, uint32_t *live) {
    uint64_t due_ms = due_in(timeout_ms);
    pthread_mutex_lock(&keeper->lock);
    uint32_t wanted = ++keeper->sync_wanted;
    wake_keeper(keeper);
    bool in_time = true;
    while (keeper->sync_done != wanted && !keeper->ended && in_time)
        in_time = wait_change(keeper, due_ms);
    bool done = keeper->sync_done == wanted;
    *live = keeper->sync_live;
    pthread_mutex_unlock(&keeper->lock);
    return done ? 0 : -1;
}

int hak_keeper_stop(struct hak_keeper *keeper, int timeout_ms, bool wait_for_live) {
    uint64_t due_ms = due_in(timeout_ms);
    uint32_t live = 0;
    bool known = hak_keeper_wait_committed(keeper, timeout_ms, &live) == 0;
    bool hand_over = known && live > 0 && !wait_for_live;
    pthread_mutex_lock(&keeper->lock);
    keeper->hold = false;
    keeper->leave = hand_over;
    wake_keeper(keeper);
    bool in_time = true;
    while (!keeper->ended && in_time)
        in_time = wait_change(keeper, due_ms);
    keeper->leave = true;
    bool closed = keeper->ended && !hand_over;
    wake_keeper(keeper);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    closed = closed || keeper->finished;
    hak_keeper_free(keeper);
    return closed ? 0 : hand_over ? 1 : -1;
}

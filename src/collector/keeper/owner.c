/* The side of a keeper's owner: `run` starts one in itself, asks it, and ends it. */
#include "collector/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "collector/keeper/loop.h"

#define STORE_LOOK_MS 200 /* between two looks at the store's files */
#define TELL_MS       3000
#define JOIN_SECONDS  5
#define LIVE_MS       100 /* between two questions whether processes still live */

struct hak_keeper {
    struct hak_desk desk;
    struct hak_loop *loop; /* the thread's */
    pthread_t thread;
};

/* Frees the keeper with its loop and desk. */
static void free_keeper(struct hak_keeper *k) {
    if (k->loop)
        hak_loop_free(k->loop);
    hak_desk_free(&k->desk);
    free(k);
}

/* The owner's signals are not the keeper's: all stay with its other threads. 0 or an error. */
static int start_thread(struct hak_keeper *k) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&k->thread, NULL, hak_loop_run, k->loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Makes desk and loop and starts the keeper's thread. 0 or an error; free_keeper frees all that was
 * made until then. */
static int start(struct hak_keeper *k, const struct hak_keeper_options *options) {
    if (!hak_desk_make(&k->desk))
        return errno;
    k->loop = hak_loop_make(options->collect_path, &k->desk);
    if (!k->loop)
        return errno;
    struct hak_link_message *config = &k->loop->worker.config;
    struct hak_peer awaited = {0};
    if (options->recorded && hak_peer_read(options->recorded, &awaited))
        k->loop->held.awaited = (struct hak_known_process){options->recorded, awaited.start_time};
    k->desk.hold = true;
    config->hold = 1;
    config->replace_store = options->replace_store;
    config->color = options->color;
    snprintf(config->store_path, HAK_PATH_BYTES, "%s",
             options->store_path ? options->store_path : "");
    snprintf(config->log_path, HAK_PATH_BYTES, "%s", options->log_path ? options->log_path : "");
    return hak_loop_listen(k->loop, "") ? start_thread(k) : errno;
}

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
    if (!hak_loop_has_files(few, sizeof few)) {
        snprintf(error, error_bytes, "nothing can be recorded: %s", few);
        return -1;
    }
    struct hak_keeper *k = calloc(1, sizeof *k);
    int failed = k ? start(k, options) : errno;
    if (failed) {
        snprintf(error, error_bytes,
                 "hakmem: the keeper of the recording cannot be started (%s); is the limit of open "
                 "files or of memory reached?",
                 strerror(failed));
        if (k)
            free_keeper(k);
        return -1;
    }
    *out = k;
    return 0;
}

const char *hak_keeper_socket_name(const struct hak_keeper *keeper) {
    return keeper->loop->worker.config.socket_name;
}

void hak_keeper_store_path(struct hak_keeper *keeper, char *out, size_t bytes) {
    pthread_mutex_lock(&keeper->desk.lock);
    snprintf(out, bytes, "%s", keeper->desk.store_path);
    pthread_mutex_unlock(&keeper->desk.lock);
}

uint32_t hak_keeper_sessions(struct hak_keeper *keeper) {
    pthread_mutex_lock(&keeper->desk.lock);
    uint32_t sessions = keeper->desk.sessions;
    pthread_mutex_unlock(&keeper->desk.lock);
    return sessions;
}

static void wake_keeper(struct hak_keeper *k) {
    uint64_t one = 1;
    if (write(k->desk.wake, &one, sizeof one) < 0)
        return;
}

/* How long the owner waits: `timeout_ms` after the store's files last changed, or the worker last
 * noted a step, so that a slow disk and much work get the time they take, and a collector that
 * stands still does not. */
struct patience {
    int timeout_ms; /* -1 = for ever */
    uint64_t begun_ms, due_ms;
    bool told;     /* a person at a terminal sees what is waited for */
    uint64_t seen; /* size and times of the store's files and the worker's steps, mixed */
};

/* A number that changes when the worker gets on, by its steps and the store's files; with the lock
 * held. Where the files cannot be looked at it is the same each time. */
static uint64_t look_at_work(const struct hak_keeper *k) {
    static const char *const files[] = {"", "-wal"};
    uint64_t seen = k->desk.steps;
    for (int i = 0; i < 2; i++) {
        char path[HAK_PATH_BYTES + 8];
        struct stat file;
        snprintf(path, sizeof path, "%s%s", k->desk.store_path, files[i]);
        if (!k->desk.store_path[0] || stat(path, &file) != 0)
            continue;
        uint64_t facts[] = {(uint64_t)file.st_size, (uint64_t)file.st_mtim.tv_sec,
                            (uint64_t)file.st_mtim.tv_nsec};
        for (int j = 0; j < 3; j++)
            seen = seen * 0x9e3779b97f4a7c15u + facts[j];
    }
    return seen;
}

/* Begins to wait `timeout_ms` for progress, with the lock held. */
static struct patience begin_patience(const struct hak_keeper *k, int timeout_ms) {
    uint64_t now = hak_time_ms();
    return (struct patience){.timeout_ms = timeout_ms,
                             .begun_ms = now,
                             .due_ms = now + (uint64_t)timeout_ms,
                             .seen = look_at_work(k)};
}

/* With the lock held: waits for a change of the keeper's. False when the time is over. */
static bool wait_change(struct hak_keeper *k, struct patience *p) {
    uint64_t now = hak_time_ms();
    uint64_t seen = look_at_work(k);
    if (seen != p->seen)
        p->due_ms = now + (uint64_t)p->timeout_ms;
    p->seen = seen;
    if (p->timeout_ms >= 0 && now >= p->due_ms)
        return false;
    if (!p->told && now >= p->begun_ms + TELL_MS && isatty(STDERR_FILENO)) {
        hak_say("the program has ended; its last records are being stored");
        p->told = true;
    }
    uint64_t until = now + STORE_LOOK_MS;
    struct timespec t = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};
    pthread_cond_timedwait(&k->desk.changed, &k->desk.lock, &t);
    return true;
}

int hak_keeper_wait_committed(struct hak_keeper *keeper, int timeout_ms, uint32_t *live) {
    pthread_mutex_lock(&keeper->desk.lock);
    struct patience patience = begin_patience(keeper, timeout_ms);
    uint32_t wanted = ++keeper->desk.sync_wanted;
    wake_keeper(keeper);
    bool in_time = true;
    while (keeper->desk.sync_done != wanted && !keeper->desk.ended && in_time)
        in_time = wait_change(keeper, &patience);
    bool done = keeper->desk.sync_done == wanted;
    *live = keeper->desk.sync_live;
    pthread_mutex_unlock(&keeper->desk.lock);
    return done ? 0 : -1;
}

void hak_keeper_wait_for_live(struct hak_keeper *keeper, int timeout_ms,
                              const volatile sig_atomic_t *stop) {
    uint32_t live = 0;
    while ((!stop || !*stop) && hak_keeper_wait_committed(keeper, timeout_ms, &live) == 0 &&
           live > 0)
        usleep(LIVE_MS * 1000);
}

/* Ends the keeper: waits until all is committed, then for its end, `timeout_ms` without progress at
 * most; with living processes it hands over to another keeper unless `is_cut`. Returns how the
 * store ended. */
static enum hak_store_end stop(struct hak_keeper *keeper, int timeout_ms, bool is_cut) {
    uint32_t live = 0;
    bool known = hak_keeper_wait_committed(keeper, timeout_ms, &live) == 0;
    bool hand_over = known && live > 0 && !is_cut;
    pthread_mutex_lock(&keeper->desk.lock);
    struct patience patience = begin_patience(keeper, timeout_ms);
    keeper->desk.hold = false;
    keeper->desk.hand_over = hand_over;
    keeper->desk.is_cut = is_cut;
    wake_keeper(keeper);
    bool in_time = true;
    while (!keeper->desk.ended && in_time)
        in_time = wait_change(keeper, &patience);
    bool is_handed_over = hand_over && keeper->desk.ended;
    keeper->desk.leave = true;
    wake_keeper(keeper);
    pthread_mutex_unlock(&keeper->desk.lock);
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += JOIN_SECONDS;
    bool has_ended = pthread_clockjoin_np(keeper->thread, NULL, CLOCK_MONOTONIC, &limit) == 0;
    bool is_closed = has_ended && keeper->desk.finished;
    if (has_ended) /* else the kernel holds it: it goes with this process */
        free_keeper(keeper);
    return is_closed            ? HAK_STORE_CLOSED
           : is_handed_over     ? HAK_STORE_HANDED_OVER
           : known && live == 0 ? HAK_STORE_COMMITTED
                                : HAK_STORE_BEHIND;
}

enum hak_store_end hak_keeper_stop(struct hak_keeper *keeper, int timeout_ms) {
    return stop(keeper, timeout_ms, false);
}

enum hak_store_end hak_keeper_cut(struct hak_keeper *keeper, int timeout_ms) {
    return stop(keeper, timeout_ms, true);
}

int hak_keeper_main(const char *collect_path, int first, const char *name, bool revived) {
    struct hak_desk desk;
    struct hak_loop *l = hak_desk_make(&desk) ? hak_loop_make(collect_path, &desk) : NULL;
    if (!l)
        return 1;
    fcntl(first, F_SETFD, FD_CLOEXEC);
    fcntl(first, F_SETFL, O_NONBLOCK);
    if (revived) {
        if (!hak_loop_adopt(l, first))
            return 1;
    } else if (hak_loop_listen(l, name)) {
        hak_loop_add_guest(l, first);
    } else {
        if (!name[0] || errno != EADDRINUSE) /* else another keeper is there in its place */
            hak_say("the keeper cannot open its socket; nothing is recorded");
        return 1;
    }
    hak_loop_run(l);
    hak_loop_free(l);
    return 0;
}

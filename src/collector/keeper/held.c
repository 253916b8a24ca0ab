/* Keeps the sessions' memory. */
#include "collector/keeper/held.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/growing.h"

#define SESSIONS_OF_ONE 64 /* that live: one of its own, and its children may keep earlier ones */

bool hak_held_add(struct hak_held *held, const struct hak_held_session *session) {
    if (!hak_growing_make_room(&held->sessions, held->count, &held->capacity, sizeof *session))
        return false;
    held->sessions[held->count++] = *session;
    return true;
}

static void remove_at(struct hak_held *held, uint32_t i) {
    close(held->sessions[i].memfd);
    held->sessions[i] = held->sessions[--held->count];
}

void hak_held_forget(struct hak_held *held, uint32_t number) {
    for (uint32_t i = 0; i < held->count; i++)
        if (held->sessions[i].number == number) {
            remove_at(held, i);
            return;
        }
}

bool hak_held_forget_abandoned(struct hak_held *held) {
    uint32_t before = held->count;
    for (uint32_t i = held->count; i > 0; i--)
        if (!hak_session_file_is_held(held->sessions[i - 1].memfd, held->sessions[i - 1].is_own))
            remove_at(held, i - 1);
    return held->count < before;
}

void hak_held_free(struct hak_held *held) {
    while (held->count)
        remove_at(held, 0);
    free(held->sessions);
}

struct hak_held_session *hak_held_untold(const struct hak_held *held) {
    for (uint32_t i = 0; i < held->count; i++)
        if (!held->sessions[i].is_told)
            return &held->sessions[i];
    return NULL;
}

void hak_held_tell_all(struct hak_held *held) {
    for (uint32_t i = 0; i < held->count; i++)
        held->sessions[i].is_told = false;
}

bool hak_held_has(const struct hak_held *held, int memory) {
    struct stat about, other;
    if (fstat(memory, &about) != 0)
        return false;
    for (uint32_t i = 0; i < held->count; i++)
        if (fstat(held->sessions[i].memfd, &other) == 0 && other.st_ino == about.st_ino &&
            other.st_dev == about.st_dev)
            return true;
    return false;
}

/* Whether the process has SESSIONS_OF_ONE living sessions: each takes descriptors of the keeper's
 * and the worker's. Not those of programs that the process executed before: nobody holds them, and
 * the worker is done with them soon. Without /proc that cannot be asked: false. */
bool hak_held_has_too_many(const struct hak_held *held, const struct hak_known_process *who) {
    int living = 0;
    for (uint32_t i = 0; i < held->count && living < SESSIONS_OF_ONE; i++) {
        const struct hak_held_session *s = &held->sessions[i];
        living += s->peer.pid == who->pid && s->peer.start_time == who->start_time && s->is_own &&
                  hak_session_file_is_held(s->memfd, true);
    }
    return who->pid > 0 && living == SESSIONS_OF_ONE;
}

bool hak_held_is_of_tree(const struct hak_held *held, pid_t pid) {
    struct hak_known_process *known = calloc((size_t)held->count + 2, sizeof *known);
    int count = 1;
    if (!known)
        return false;
    known[0].pid = getpid();
    if (held->awaited.pid > 0)
        known[count++] = held->awaited;
    for (uint32_t i = 0; i < held->count; i++)
        if (held->sessions[i].peer.pid > 0)
            known[count++] = held->sessions[i].peer;
    bool is_known = hak_peer_descends(pid, known, count);
    free(known);
    return is_known;
}

void hak_held_beat(const struct hak_held *held) {
    uint64_t ns = hak_time_kernel_ns(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < held->count; i++)
        (void)hak_session_file_write(held->sessions[i].memfd,
                                     (off_t)offsetof(struct hak_session, keeper_heartbeat_ns), ns);
}

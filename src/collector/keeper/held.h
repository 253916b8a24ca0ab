/* The sessions that the keeper holds: each one's memory, and the facts of it for every worker.
 * In the keeper's thread only. */
#ifndef HAK_COLLECTOR_KEEPER_HELD_H
#define HAK_COLLECTOR_KEEPER_HELD_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/kernel/kernel.h"
#include "trace/protocol.h"
#include "trace/session.h"

struct hak_held_session {
    uint32_t number;
    bool is_told; /* the worker has it */
    int memfd;
    bool is_own; /* the memfd: hak_session_file_make_own */
    struct hak_known_process peer;
    struct hak_hello hello;
    char log_path[HAK_PATH_BYTES]; /* as the memory had it when it was taken */
};

struct hak_held {
    struct hak_held_session *sessions;
    uint32_t count, capacity;
    struct hak_known_process awaited; /* is of the tree before it has a session; pid 0 = none */
};

/* False without memory: the memfd stays the caller's. */
bool hak_held_add(struct hak_held *held, const struct hak_held_session *session);
/* Forgets session `number`, as nobody maps it any more. */
void hak_held_forget(struct hak_held *held, uint32_t number);
/* Forgets all sessions whose memory nobody has any more; true when there was one. */
bool hak_held_forget_abandoned(struct hak_held *held);
void hak_held_free(struct hak_held *held);

/* A session that the worker does not know yet; NULL = it has all. */
struct hak_held_session *hak_held_untold(const struct hak_held *held);
/* There is another worker. */
void hak_held_tell_all(struct hak_held *held);

/* True when `memory` is a session's that is held already. */
bool hak_held_has(const struct hak_held *held, int memory);
/* True when process `who` has as many living sessions as one may. */
bool hak_held_has_too_many(const struct hak_held *held, const struct hak_known_process *who);
/* True when `pid` is, or descends from, this process, the one that is awaited, or one of a session.
 */
bool hak_held_is_of_tree(const struct hak_held *held, pid_t pid);

/* Shows the programs that the keeper lives. */
void hak_held_beat(const struct hak_held *held);

#endif

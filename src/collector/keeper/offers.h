/* Programs that no socket leads to: in a network namespace of their own, with another root or /tmp.
 *
 *   asks for a path (HAK_HELLO_PATH) before it enters one      is an offerer, the first one
 *   child of an offerer, by /proc                              is one, too
 *   orphan, whose parent ended before it was looked at:        is one, too
 *     of this user, elsewhere, executed with our name
 *
 *   an offerer elsewhere, with a session's memfd open -> it is taken, as with a hello
 *
 * Such a program waits until its memory shows the keeper's heart beating (trace/collector/offer.c).
 * Looked at every 2 ms while something changes, every 50 ms else; orphans, whose parent was gone
 * before it was looked at, every 200 ms. In the keeper's thread only. */
#ifndef HAK_COLLECTOR_KEEPER_OFFERS_H
#define HAK_COLLECTOR_KEEPER_OFFERS_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/keeper/greeting.h"

/* A process that may be where no socket leads. */
struct hak_offerer {
    struct hak_known_process process;
    uint64_t taken; /* inode of what it offered last, 0 = nothing */
    struct hak_children_look look;
};

struct hak_offerers {
    struct hak_offerer *members;
    uint32_t count, capacity;
    uint32_t next; /* where the next look begins */
    uint64_t look_due_ms, orphans_due_ms;
    int look_pause_ms;
};

/* Takes what process `who` offers, as if it was its hello: the memfd, unless it is taken out of the
 * greeting, is closed afterwards. True = it did. */
struct hak_offer_taker {
    bool (*take)(void *context, struct hak_greeting *offer, const struct hak_known_process *who);
    void *context;
};

/* `pid` may come to be, or start programs, where no socket leads. True when that is news. A process
 * that is not a child of `parent` is not added; 0 = any parent will do. */
bool hak_offerers_add(struct hak_offerers *offerers, pid_t pid, pid_t parent);

/* Adds orphans if that is due: processes whose HAKMEM_SESSION names `keeper`. Then visits the
 * offerers if that is due: adds their children, and hands `taker` each session or note that one
 * offers elsewhere. Ends a visit after some 20 ms; the next one goes on from there. Does nothing
 * where hak_proc_is_own is false. */
void hak_offerers_look(struct hak_offerers *offerers, const char *keeper,
                       const struct hak_offer_taker *taker);

#endif

/* Reports on programs that are not recorded: checked, kept to the end, since a worker may die
 * before it has stored them, and told every worker once. In the keeper's thread only. */
#ifndef HAK_COLLECTOR_KEEPER_UNRECORDED_H
#define HAK_COLLECTOR_KEEPER_UNRECORDED_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/keeper/greeting.h"
#include "collector/link/link.h"

#define HAK_UNRECORDED_MAX 16384 /* each may be a row */

/* Process `speaker` said that it, or its child, is not recorded. */
struct hak_unrecorded_process {
    struct hak_known_process speaker;
    pid_t pid, parent; /* as the keeper sees them; 0 = not known */
    uint64_t heard_ns;
    struct hak_hello hello;
};

struct hak_unrecorded {
    struct hak_unrecorded_process *list; /* in the order in which they came; of a child one */
    uint32_t count, capacity;
    uint32_t told;                  /* the worker has these */
    uint32_t refused, refused_told; /* beyond HAK_UNRECORDED_MAX; the worker knows how many */
    struct hak_known_process last_refused;
    uint64_t last_refused_ns;
};

/* Keeps the report of process `who` on itself or a child; why not, NULL = it did. */
const char *hak_unrecorded_hear(struct hak_unrecorded *unrecorded, struct hak_greeting *g,
                                const struct hak_known_process *who);

/* The next report for the worker; false: it has all. */
bool hak_unrecorded_next(const struct hak_unrecorded *unrecorded, struct hak_link_message *m);
/* Makes the message of how many programs were not kept, for the store: not each time, but before
 * the end (`is_last`) to the last one. False: none is due. */
bool hak_unrecorded_next_refused(const struct hak_unrecorded *unrecorded, bool is_last,
                                 struct hak_link_message *m);

#endif

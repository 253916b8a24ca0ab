/* Lists the processes by event: when each is forked, has its first event, and its last one.
 *
 *   table process + the actors of all events --> processes --> turns, in the order of ids
 *
 * For one thread; the caller frees it. */
#ifndef HAK_STORE_HISTORY_LINEUP_H
#define HAK_STORE_HISTORY_LINEUP_H

#include "base/index.h"
#include "store/reader/reader.h"

struct hak_lineup_process {
    uint32_t process; /* row id */
    uint32_t parent; /* row id of the process that it was forked from; 0 = none, or another image */
    uint64_t fork_event; /* up to it what the parent does is the child's, too; 0 = no parent */
    uint64_t first_event, last_event; /* 0 = it has none */
    bool has_ended;                   /* else it may go on behind its last event */
};

/* Comes before all events with ids from `before` on. */
struct hak_lineup_turn {
    uint64_t before;
    uint32_t number; /* of the process in `process` */
    enum hak_lineup_what { HAK_LINEUP_FORK, HAK_LINEUP_LAST, HAK_LINEUP_FIRST } what;
};

struct hak_lineup {
    struct hak_lineup_process *process; /* by row id */
    uint32_t processes, process_room;
    struct hak_lineup_turn *turn;
    uint32_t turns, turn_room;
    struct hak_index by_id; /* number + 1 */
};

/* Fills `out`; `process` (row id) limits it to one, 0 = all. Events are exact up to `to` (0 = all);
 * those behind it only lie behind it, and need not be readable (see hak_store_each_later_actor). 0,
 * or an error. */
int hak_lineup_read(struct hak_store_reader *r, uint32_t process, uint64_t to,
                    struct hak_lineup *out);
/* Number of the process with this row id, -1 = there is none. */
int64_t hak_lineup_find(const struct hak_lineup *lineup, uint32_t process);
void hak_lineup_free(struct hak_lineup *lineup);

#endif

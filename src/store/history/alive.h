/* Finds the blocks alive at a moment: from the runs of states that end before it (live/run.h) and
 * the events of the rest; where runs are missing, or a loss makes them unsure, from the events
 * themselves, with the same answer. The memory is bounded.
 *
 *   parent's runs, parent's rest up to FORK, own runs, own rest -> joined base by base -> block
 *
 * Where all processes are asked for the events behind the last run are read once for all (tail.h).
 * Blocks of a process come by base; those of all processes by process and base, where memory does
 * not hold the states of all, one range of bases after the other. */
#ifndef HAK_STORE_HISTORY_ALIVE_H
#define HAK_STORE_HISTORY_ALIVE_H

#include "store/reader/reader.h"

struct hak_live_moment {
    uint64_t id, ns;  /* events up to this id, and up to this time; 0 = all */
    uint32_t process; /* row id, 0 = every process that had begun */
    /* Of every process: false leaves it out; NULL = none. */
    bool (*wants)(void *context, uint32_t process);
    void *context;
    bool by_scan;    /* as if there were no runs: for the check and tests */
    uint32_t states; /* blocks of a stretch of events held in memory at once; 0 = default */
};

/* A block that the program held. A forked child holds what its parent held before the FORK. */
struct hak_live_block {
    uint64_t base, user, size;
    uint64_t birth, ns;     /* event that began its life, and when; 0 = before the capture */
    uint32_t process;       /* row id of the holder */
    uint32_t stack, thread; /* of the birth; 0 = not known */
    uint8_t class_index;
};

struct hak_live;

/* Begins to read the blocks that are live at the moment, of one process or of all. 0, or an error;
 * `out` is NULL then. */
int hak_live_open(struct hak_store_reader *r, const struct hak_live_moment *moment,
                  struct hak_live **out);
/* Gives the next live block: 1, 0 at the end, or an error. */
int hak_live_next(struct hak_live *live, struct hak_live_block *out);
/* Chunks that were opened so far, to see what the runs save. */
uint64_t hak_live_chunks(const struct hak_live *live);
void hak_live_close(struct hak_live *live);

/* Calls `each` for every block of the moment until it returns non-zero, which is returned. 0, or an
 * error. */
int hak_store_live_at(struct hak_store_reader *r, const struct hak_live_moment *moment,
                      int (*each)(void *context, const struct hak_live_block *block),
                      void *context);

#endif

/* Counts the whole log by thread, or by process. */
#ifndef HAK_STORE_HISTORY_TALLY_H
#define HAK_STORE_HISTORY_TALLY_H

#include "store/reader/reader.h"

struct hak_thread_tally {
    uint64_t events;
    uint64_t mallocs, frees, reallocs; /* calls: a realloc that moves counts once */
    uint64_t asked_bytes;              /* sum of what malloc and realloc were asked for */
    uint64_t remote_frees;             /* of blocks that lie in another thread's SuperSlab */
    uint64_t last_event, last_ns;
};

/* Adds the events of each thread to out[row id]; rows of `count` and above are left out. `process`
 * (row id) limits to one, 0 = all. 0, or an error. */
int hak_store_tally_threads(struct hak_store_reader *r, uint32_t process,
                            struct hak_thread_tally *out, uint32_t count);

/* Adds the number of events of each process to events[row id], as above. Chunks of one process are
 * not read. HAK_STORE_BROKEN: those of the damaged chunks are not counted, all others are. */
int hak_store_tally_processes(struct hak_store_reader *r, uint64_t *events, uint32_t count);

/* Calls `visit` with each event from `first` to `last`; only its process, thread and id are filled
 * in. 0, or an error. */
int hak_store_each_actor(struct hak_store_reader *r, uint64_t first, uint64_t last,
                         void (*visit)(void *, const struct hak_event *), void *context);
/* Finds the processes with events behind `from`, up to `last` (0 = all): `visit` gets an id behind
 * `from` of each, and its process. No chunk of one process is decoded. Where one of several is
 * damaged, or chunks are missing, each process that had not ended before counts. 0, or an error. */
int hak_store_each_later_actor(struct hak_store_reader *r, uint64_t from, uint64_t last,
                               void (*visit)(void *, const struct hak_event *), void *context);
/* Calls `visit` with each SUPERSLAB_MAP and SUPERSLAB_UNMAP; only its id, kind, process, time and
 * size are filled in. The table superslab has them; without it, or where a chunk has none in it,
 * chunks are decoded, up to the event `last` (0 = all). 0, or an error. */
int hak_store_each_superslab(struct hak_store_reader *r, uint64_t last,
                             void (*visit)(void *, const struct hak_event *), void *context);

#endif

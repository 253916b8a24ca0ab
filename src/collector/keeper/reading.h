/* The files that the worker must not read any more: those that killed it, or held it for ever.
 *
 *   worker dies --> the page says in which read (symbols/reading.h) --> unreadable --> next worker
 *   worker reads one file for 7 s of processor time ------> killed, the same
 *
 * A worker killed by somebody's SIGKILL proves nothing against the file that it was reading then;
 * that it dies in the same one again and again does. In the keeper's thread only. */
#ifndef HAK_COLLECTOR_KEEPER_READING_H
#define HAK_COLLECTOR_KEEPER_READING_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/link/link.h"
#include "symbols/reading.h"

/* A file that is not read any more, and why. */
struct hak_unreadable {
    struct hak_read_file file;
    char why[160];
};

/* A read that a reader of the worker was seen at. */
struct hak_watched_read {
    uint64_t serial, since_ms;
    double seconds; /* processor time of its thread then; below 0 = not known */
};

struct hak_read_watch {
    int page;     /* of the worker (symbols/reading.h); -1 = not known */
    pid_t reader; /* the worker */
    int overdue;  /* the reader for which it was killed, -1 = none */
    struct hak_watched_read reads[HAK_READERS];
    struct hak_unreadable *unreadable;
    uint32_t count, capacity;
    struct hak_read_file suspect; /* was read when a worker died without a proof */
    int suspect_deaths;
};

/* Begins to watch the reads that are told on `page`, which is this watch's from then on, of process
 * `reader`. */
void hak_read_watch_begin(struct hak_read_watch *watch, int page, pid_t reader);
/* Ends a worker that reads one file for more than READ_SECONDS of processor time, or READ_WALL_MS;
 * the file is noted as overdue. */
void hak_read_watch_look(struct hak_read_watch *watch);
/* A worker is dead; its wait status, -1 = not known. True when a file did it: the next one is safe
 * from that. */
bool hak_read_watch_end(struct hak_read_watch *watch, int wait_status);
/* Makes the message that tells a new worker of a file that is not to be read. */
void hak_unreadable_message(const struct hak_unreadable *file, struct hak_link_message *m);

#endif

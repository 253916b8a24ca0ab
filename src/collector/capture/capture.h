/* The door of the capture that is being written: its store, and the rows that are in it or will be.
 *
 *   processes, threads, modules, nodes, losses --> rows --flush--> transaction --committed--> store
 *   nodes' return addresses --> resolve (symbols) --> frames --^
 *
 * The worker owns it, and its thread alone uses it. It calls kernel, for the time. */
#ifndef HAK_COLLECTOR_CAPTURE_CAPTURE_H
#define HAK_COLLECTOR_CAPTURE_CAPTURE_H

#include "collector/capture/resolve.h"
#include "collector/capture/rows.h"
#include "trace/session.h"

struct hak_capture {
    struct hak_store_writer *writer; /* NULL = none (yet, or none can be made) */
    char path[HAK_PATH_BYTES];
    uint64_t start_ns; /* CLOCK_MONOTONIC of time 0 */
    struct hak_rows rows;
    struct hak_resolve resolve;
    uint32_t next_fault; /* row id */
};

/* A transaction beside the commits of events. False: there is no store, or it takes none now. */
bool hak_capture_begin(struct hak_capture *capture);
/* Commits it, or takes it back where putting gave `error`. True when it is in the store. */
bool hak_capture_end(struct hak_capture *capture, int error);

/* Stores the frames that were resolved. */
void hak_capture_store_frames(struct hak_capture *capture);

#endif

/* Opens the capture's store: the path asked for, or the nearest one that can be written. */
#ifndef HAK_COLLECTOR_WORKER_OPENING_H
#define HAK_COLLECTOR_WORKER_OPENING_H

#include "collector/worker/worker.h"

/* Opens the store for the first session, new or to be gone on with. When the path asked for cannot
 * be written, another one is taken: beside it where the name is taken already, else in $TMPDIR or
 * /tmp; the line about it is said when the worker ends. When none can be written that is said at
 * once, and everything is counted as lost. Fills worker->writer, store_path, rows and cursors. */
void hak_opening_open(struct hak_worker *worker, struct hak_client *client);

/* Goes on with the store that an earlier worker left, when all sessions are over: to bring it to
 * its end where that worker was killed before, or, closed or not, for a row that is to be added.
 * Nothing happens where there is none. */
void hak_opening_reopen(struct hak_worker *worker, bool for_row);

/* Notes session `client` in the store (its id, for a takeover) and sets its rings' cursors to the
 * store's. */
void hak_opening_join(struct hak_worker *worker, struct hak_client *client);

#endif

/* The door of live checkpoints: the blocks that each stretch of the log left alive, and those that
 * it ended.
 *
 *   chunk -> states -> table of a stretch -> run of states (live_run) -> 16 joined to one
 *                                               \-> the blocks of a moment (history/alive.h)
 *
 * The writer belongs to the store's writer and its thread; there is no lock. It calls the codec. */
#ifndef HAK_STORE_LIVE_LIVE_H
#define HAK_STORE_LIVE_LIVE_H

#include "store/live/gather.h"
#include "store/live/merge.h"
#include "store/live/run.h"
#include "store/live/table.h"
#include "store/live/writer.h"

#endif

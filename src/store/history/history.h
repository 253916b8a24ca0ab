/* The door of history: answers about blocks, threads and layers from the events.
 *
 *   address -> lookup -> block -> life by life -> lives, story (with evidence)
 *   moment -> live checkpoints + the events since -> alive
 *   moment -> the stored profile + the events of its run -> heap
 *   all events -> tally (by thread), layers (by counter)
 *   two moments -> the events between -> flow (by stack), mapped (the program's own mmap)
 *   two moments -> heap, or flow where that has no answer -> span
 *   address -> mapped -> mapping (what one address was mapped as)
 *   address -> piece (which pieces of the program's own pools held it)
 *   two moments -> the pieces of all pools between -> piece_flow
 *
 * All of it reads through a hak_store_reader that the caller owns, on its thread, without a lock.
 * It calls the reader, live, postings and stacks. */
#ifndef HAK_STORE_HISTORY_HISTORY_H
#define HAK_STORE_HISTORY_HISTORY_H

#include "store/history/alive.h"
#include "store/history/flow.h"
#include "store/history/heap.h"
#include "store/history/layers.h"
#include "store/history/lineup.h"
#include "store/history/lives.h"
#include "store/history/lookup.h"
#include "store/history/mapped.h"
#include "store/history/mapping.h"
#include "store/history/piece.h"
#include "store/history/piece_flow.h"
#include "store/history/span.h"
#include "store/history/story.h"
#include "store/history/tally.h"

#endif

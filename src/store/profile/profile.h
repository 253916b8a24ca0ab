/* The door of the profile: adds up the blocks that came and went by allocation stack while the log
 * is written, so that nobody has to read the events to know the blocks live at a moment.
 *
 *   chunk --+-- gather: state of each block --> sums by process and key --> run (profile_run)
 *           |     ^ blocks: what each process holds       \--> peaks of each process
 *           \-- keys: (thread group, stack)  (profile_key)
 *           \-- ends of lives that began before the run   (profile_chunk)
 *
 * A moment is the runs before it, and the events of its own run up to it (history/heap.h reads it;
 * docs/specs/profile.md). The writer belongs to the store's writer and its thread; there is no
 * lock. It calls the codec. */
#ifndef HAK_STORE_PROFILE_PROFILE_H
#define HAK_STORE_PROFILE_PROFILE_H

#include "store/profile/gather.h"
#include "store/profile/keys.h"
#include "store/profile/ready.h"
#include "store/profile/rows.h"
#include "store/profile/sums.h"
#include "store/profile/writer.h"

#endif

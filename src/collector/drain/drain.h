/* The door of draining: records of all rings become the ordered events of one commit.
 *
 *   rings --cut (all before one moment, by time)--> records --> columns of the batch --> order, ids
 *                  \-> cut_edge: what the last of them depend on        \-> notes: rows, leaks
 *
 * The worker owns it, and its thread alone uses it. It calls session, capture and findings. */
#ifndef HAK_COLLECTOR_DRAIN_DRAIN_H
#define HAK_COLLECTOR_DRAIN_DRAIN_H

#include "collector/drain/batch.h"
#include "collector/drain/cut.h"
#include "collector/drain/records.h"

#endif

/* The door of sessions: one exec image with its forked children, and the memory that they share
 * with the collector, as the worker follows it.
 *
 *   memfd --mapping--> header, tables, rings, nodes (each value checked and copied)
 *   entries of processes --process--> rows;  --ends--> how they ended, what they executed
 *   nodes --node_map--> rows    counters --snapshot--> rows    ticks --clock--> ns
 *   client: all of one session, how far each ring is read and stored, what can be given back
 *   rings_file: a session that went into a file
 *
 * The worker owns the clients, and its thread alone uses them. It calls capture, kernel, target. */
#ifndef HAK_COLLECTOR_SESSION_SESSION_H
#define HAK_COLLECTOR_SESSION_SESSION_H

#include "collector/session/client.h"
#include "collector/session/ends.h"
#include "collector/session/process.h"
#include "collector/session/rings_file.h"
#include "collector/session/snapshot.h"
#include "collector/session/thread_names.h"

#endif

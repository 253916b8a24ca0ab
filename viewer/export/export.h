/* `export FORMAT`: the profile, the log and the findings in the files that other tools read.
 *
 *   findings --> junit, sarif, codequality (viewer/findings)
 *
 *   options --profile_read_query--> rows.c: a row for each process and stack
 *                                     |
 *        places, processes, modules --+--> collapsed.c  speedscope.c  table.c  pprof.c
 *                                     |    legacy.c  perfetto.c                  --> the sink (cli)
 *   the store's flow, each block -----+--> heaptrack.c
 *   the log ------------------------------> log.c
 *   the store's tables -------------------> sqlite.c
 *
 * Contents of each file, and what it loses: docs/specs/export.md. Calls findings, events, profile,
 * capture and cli. One thread. */
#ifndef HAK_VIEWER_EXPORT_EXPORT_H
#define HAK_VIEWER_EXPORT_EXPORT_H

#include "viewer/cli/cli.h"

/* Writes the capture in the format that the first argument names, with the rest of the arguments as
 * its options. An exit status: the error is printed. */
int command_export(struct view *view);

#endif

/* A session that went into a file, since its program found no collector: nobody emptied its rings,
 * which hold their newest records, and all its processes are gone.
 *
 *   start ........... head - capacity ........ head
 *     written over: counted as lost    taken, but for the oldest few: who was killed in the middle
 *                                      of a record has begun to write over them
 *
 * For one thread. */
#ifndef HAK_COLLECTOR_SESSION_RINGS_FILE_H
#define HAK_COLLECTOR_SESSION_RINGS_FILE_H

#include "collector/session/client.h"

/* Starts the clock of a file of rings by its two clocks, which its program read last; where it did
 * not come to that, by those of now, if they can belong to it. */
void hak_rings_file_start_clock(struct hak_client *client, uint64_t capture_start_ns);

/* Sets each ring's cursor to the first record that is to be taken and counts those before it as
 * lost. Once, before anything is drained. */
void hak_rings_file_begin(struct hak_client *client, struct hak_rows *rows);

#endif

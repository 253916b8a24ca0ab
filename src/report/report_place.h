/* A place in code in one short text, for the facts that a report tells beside its stacks. */
#ifndef HAK_REPORT_REPORT_PLACE_H
#define HAK_REPORT_REPORT_PLACE_H

#include <stddef.h>
#include "store/reader/reader.h"

/* Writes "worker_loop app/worker.c:41", the frame of `frames` that tells most, into `to` of `bytes`
 * (cut to fit, ended by NUL); "" when there is none. For one thread. */
void hak_report_place(char *to, size_t bytes, const struct hak_frame *frames, int count);

#endif

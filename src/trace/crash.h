/* Faults and crashes: what the dying program leaves for the report, and what it does itself.
 *
 *   hak_trace_fault --+                  claim   fill          READY        DONE
 *   crash signal -----+--> report area:  IDLE -> FILLING ----> READY -----> DONE -> IDLE
 *                          (one at a time)                     collector writes the report
 *   no collector: a raw report on stderr, made here. Then abort, or the signal's own end. */
#ifndef HAK_TRACE_CRASH_H
#define HAK_TRACE_CRASH_H

#include "block.h"

/* Puts the crash handlers in place. Once, at start. */
HAK_HIDDEN void hak_crash_start(void);

#endif

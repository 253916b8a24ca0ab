/* The moments of a process: it starts (start.c), forks (fork.c) and ends (end.c). Above all other
 * rooms of src/trace; the calls that lead here are in trace.h. */
#ifndef HAK_TRACE_PROCESS_H
#define HAK_TRACE_PROCESS_H

#include "block.h"

/* Makes a forked child a process of the session, before it writes anything: lets go of the parent's
 * rings and claims an entry. By the fork handler, or from hak_current_ready where none ran, or an
 * earlier handler of the program allocates. A second call does nothing. */
HAK_HIDDEN void hak_process_enter_child(void);

/* Tells `hakmem-trace ctl` where things are (control.h). */
HAK_HIDDEN void hak_process_note_control(void);

#endif

/* Signals by which a user asks hakmem for something while the program runs.
 *
 *   program's action   kernel's    at the signal
 *   default            ours        noted; what the signal would do by default is left out
 *   a handler          ours        noted, then the handler, with its own flags and mask
 *   ignore             ours        noted
 *
 * The program reads back its own action, as with crash signals (actions.h). */
#ifndef HAK_TRACE_ASKED_SIGNALS_H
#define HAK_TRACE_ASKED_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include "block.h"

/* The signal that a text names: USR2, SIGUSR2 or 12; 0 for none that can be caught. */
HAK_HIDDEN int hak_asked_signal_read(const char *text);

/* Has `note` called, in the handler, whenever signal `number` comes. Once for each signal and
 * `note`, before there are threads. False: the kernel refuses, or it is a crash signal. */
HAK_HIDDEN bool hak_asked_signal_hear(int number, void (*note)(int));

/* sigaction for a signal that is heard; false when `number` is none, and nothing was done. */
HAK_HIDDEN bool hak_asked_signal_act(int number, const struct sigaction *action,
                                     struct sigaction *before, int *result);

#endif

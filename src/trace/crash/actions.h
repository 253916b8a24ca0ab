/* The program's actions for crash signals: hakmem's handler stands in front of them, the program
 * reads back its own.
 *
 *   program's action   kernel's    at the signal
 *   default            ours        report, then the default action
 *   a handler          ours        the handler, with its own flags and mask, as if the kernel had
 *                                  called it
 *   ignore             ignore      nothing (executed programs inherit it)
 *
 * sigaction, signal and their old relatives are interposed for that. Who asks the kernel by another
 * way is served by the kernel, and seen. In a vfork child, whose actions are its own while its
 * memory is its parent's, nothing but the kernel's is changed. */
#ifndef HAK_TRACE_ACTIONS_H
#define HAK_TRACE_ACTIONS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Puts `ours` (an SA_SIGINFO handler) in front of all crash signals. Once, at start. */
HAK_HIDDEN void hak_actions_start(void (*ours)(int, siginfo_t *, void *));

/* The crash signals, as the kernel writes a mask: bit n - 1 is signal n. */
HAK_HIDDEN uint64_t hak_actions_watched(void);

/* The program's action for crash signal `number`, at its delivery: a handler with SA_RESETHAND is
 * taken away, and who comes after gets the default. Keeps errno. Thread and signal safe. */
HAK_HIDDEN void hak_actions_take(int number, struct sigaction *action);

/* True when the program has a handler for crash signal `number`. */
HAK_HIDDEN bool hak_actions_has_handler(int number);

/* Where handlers return to, libc's; 0 when it is not known. */
HAK_HIDDEN uintptr_t hak_actions_restorer(void);

/* In a forked child: what other threads of the parent were about is not this process's. */
HAK_HIDDEN void hak_actions_forget(void);

#endif

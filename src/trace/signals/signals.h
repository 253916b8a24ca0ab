/* The program's actions for signals that hakmem hears: hakmem's handler stands in front of them,
 * the program reads back its own.
 *
 *   crash signals (actions.c)
 *   program's action   kernel's    at the signal
 *   default            ours        report, then the default action
 *   a handler          ours        the handler, with its own flags and mask, as if the kernel had
 *                                  called it
 *   ignore             ignore      nothing (executed programs inherit it)
 *
 *   signals by which a user asks hakmem for something while the program runs (heard.c)
 *   default            ours        noted; what the signal would do by default is left out
 *   a handler          ours        noted, then the handler, with its own flags and mask
 *   ignore             ours        noted
 *
 * sigaction, signal and their old relatives are interposed for that. A program that asks the kernel
 * by another way is served by the kernel, and seen. In a vfork child, whose actions are its own
 * while its memory is its parent's, nothing but the kernel's is changed. */
#ifndef HAK_TRACE_SIGNALS_H
#define HAK_TRACE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Sets of signals by their bits: each function of libc's is a symbol that ld.so looks up at every
 * start. `number` is a signal's. */
static inline void hak_signals_add(sigset_t *set, int number) {
    set->__val[0] |= 1ul << (number - 1);
}
static inline void hak_signals_remove(sigset_t *set, int number) {
    set->__val[0] &= ~(1ul << (number - 1));
}
static inline bool hak_signals_hold(const sigset_t *set, int number) {
    return (set->__val[0] >> (number - 1) & 1) != 0;
}

/* libc's own signals, 32 and 33, with which it ends threads: nobody may block them. */
#define HAK_OF_LIBC (3ul << (32 - 1))

/* Puts `ours` (an SA_SIGINFO handler) in front of all crash signals. Once, at start. */
HAK_HIDDEN void hak_actions_start(void (*ours)(int, siginfo_t *, void *));

/* The crash signals, as the kernel writes a mask: bit n - 1 is signal n. */
HAK_HIDDEN uint64_t hak_actions_watched(void);

/* Reads the program's action for crash signal `number`, at its delivery: a handler with
 * SA_RESETHAND is taken away, and who comes after gets the default. Keeps errno. Thread and signal
 * safe. */
HAK_HIDDEN void hak_actions_take(int number, struct sigaction *action);

/* True when the program has a handler for crash signal `number`. */
HAK_HIDDEN bool hak_actions_has_handler(int number);

/* True when crash signal `number` comes to the handler of hak_actions_start: the program neither
 * ignores it nor went past libc. */
HAK_HIDDEN bool hak_actions_stand(int number);

/* The address in libc to which signal handlers return; 0 when it is not known. Only where
 * HAK_LIBC_RESTORES. */
HAK_HIDDEN uintptr_t hak_actions_restorer(void);

/* mask.c: finds libc's functions for the mask; at start, once. */
HAK_HIDDEN void hak_mask_start(void);
/* The action of the program's that the calling thread reads or writes at this moment, NULL else: an
 * access to it that fails is the program's, and nobody opens the page for it. */
HAK_HIDDEN extern _Thread_local const void *volatile hak_action_given
    __attribute__((tls_model("initial-exec")));
/* Copies an action; one of both is the program's, `given`. */
HAK_HIDDEN void hak_action_copy(struct sigaction *to, const struct sigaction *from,
                                const void *given);
/* Takes the kept signals out of the mask of an action. */
HAK_HIDDEN void hak_mask_keep(int number, struct sigaction *kernel);
/* The program begins to ignore signal `number`: where it is kept, `at_release` is called first, and
 * it is kept no longer. */
HAK_HIDDEN void hak_mask_release(int number);
/* Keeps a kept signal that came for later, if the program believes that it has it blocked: true; it
 * is raised again when the program unblocks it. */
HAK_HIDDEN bool hak_mask_defers(int number, const siginfo_t *info);

/* The calling thread's belief of SIGTRAP: a thread that it creates believes the same, and a signal
 * that waits is not its child's. */
HAK_HIDDEN bool hak_mask_blocks_traps(void);
HAK_HIDDEN void hak_mask_begin_thread(bool creator_blocks_traps);
HAK_HIDDEN void hak_mask_enter_child(void);

/* Forgets, in a forked child, the unfinished work of the parent's other threads. */
HAK_HIDDEN void hak_actions_forget(void);

/* The program's action for a signal, as the kernel would give it back; read without a lock, also by
 * handlers, and written by one thread at a time. */
enum { HAK_SIGNALS = 65 };

/* Reads the program's noted action of a signal as a whole. A writer that stays in the middle, in
 * another process by now, is waited for only so long. */
HAK_HIDDEN void hak_action_read(int number, struct sigaction *action);

/* Notes the program's action of a signal; readers see by the version that it changes. */
HAK_HIDDEN void hak_action_write(int number, const struct sigaction *action);

/* Reads the signal that a text names: USR2, SIGUSR2 or 12; 0 for none that can be caught. */
HAK_HIDDEN int hak_user_signal_parse(const char *text);

/* Has `note` called, in the handler, whenever signal `number` comes. Once for each signal and
 * `note`, before there are threads. False: the kernel refuses, or it is a crash signal. */
HAK_HIDDEN bool hak_user_signal_watch(int number, void (*note)(int));

/* Does sigaction for a signal that is heard; false when `number` is none, and nothing was done. */
HAK_HIDDEN bool hak_user_signal_act(int number, const struct sigaction *action,
                                    struct sigaction *before, int *result);

#endif

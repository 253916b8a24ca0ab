/* Keeps the program's action for each signal that is watched, and calls it after ours. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include "signal_names.h"
#include "trace/signals/signals.h"
#include "trace/trace.h"
#include "platform/block_signals.h"

/* glibc's, which actions.c stands in front of. */
extern int __sigaction(int, const struct sigaction *, struct sigaction *);

static _Atomic uint64_t watched; /* bit n - 1 is signal n */
static void (*note_one)(int);

static bool is_heard(int number) {
    return number > 0 && number < HAK_SIGNALS && (watched >> (number - 1) & 1) != 0;
}

/* Notes the signal, then calls the program's handler if it has one. */
static void on_signal(int number, siginfo_t *info, void *context) {
    int saved_errno = errno;
    struct sigaction action;
    hak_action_read(number, &action);
    note_one(number);
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
        errno = saved_errno;
        return;
    }
    if ((unsigned)action.sa_flags & SA_RESETHAND) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        hak_action_write(number, &standard);
    }
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(number, info, context);
    else
        action.sa_handler(number);
}

/* Gives the kernel our handler in place of the program's action, with its flags and mask if it is a
 * handler. 0, or -1 with errno. */
static int install_action(int number, const struct sigaction *action) {
    bool has_handler = action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
    struct sigaction ours = *action;
    if (!has_handler)
        ours.sa_mask = (sigset_t){{0}};
    ours.sa_flags = has_handler ? (int)(action->sa_flags & ~SA_RESETHAND) : SA_RESTART;
    ours.sa_flags |= SA_SIGINFO | SA_ONSTACK;
    ours.sa_sigaction = on_signal;
    hak_mask_keep(number, &ours);
    return __sigaction(number, &ours, NULL);
}

int hak_user_signal_parse(const char *text) {
    if (strncmp(text, "SIG", 3) == 0)
        text += 3;
    int number = 0;
    for (const char *digit = text; *digit >= '0' && *digit <= '9' && number < HAK_SIGNALS;
         digit++) {
        number = number * 10 + (*digit - '0');
        if (digit[1] == '\0')
            return number < HAK_SIGNALS ? number : 0;
    }
    for (number = 1; number < HAK_SIGNALS; number++) {
        const char *name = hak_signal_name((unsigned)number);
        if (name && strcmp(name, text) == 0)
            return number;
    }
    return 0;
}

bool hak_user_signal_watch(int number, void (*note)(int)) {
    struct sigaction now;
    if (number <= 0 || number >= HAK_SIGNALS || (hak_actions_watched() >> (number - 1) & 1) ||
        __sigaction(number, NULL, &now) != 0)
        return false;
    note_one = note;
    if (is_heard(number))
        return true;
    hak_action_write(number, &now);
    if (install_action(number, &now) != 0)
        return false;
    watched |= (uint64_t)1 << (number - 1);
    return true;
}

bool hak_user_signal_act(int number, const struct sigaction *action, struct sigaction *before,
                         int *result) {
    if (!is_heard(number) || !hak_is_own_process())
        return false;
    struct sigaction old, asked;
    hak_action_read(number, &old);
    *result = 0;
    if (action) {
        uint64_t signals;
        hak_action_copy(&asked, action, action);
        hak_block_signals(&signals);
        *result = install_action(number, &asked);
        if (*result == 0)
            hak_action_write(number, &asked);
        hak_restore_signals(&signals);
    }
    if (before && *result == 0)
        hak_action_copy(before, &old, before);
    return true;
}

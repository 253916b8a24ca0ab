/* Ctrl-C while a capture is read: the first one ends the reading where it is, so that what was
 * found until then is printed and the terminal is left as it was; the second one ends the command.
 */
#include "viewer/capture/capture.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>

#define STEPS_BETWEEN_LOOKS 10000 /* of SQLite's machine: some 100 us */

static volatile sig_atomic_t asked;
static bool was_stopped;

/* Notes Ctrl-C; a second one ends the command with its folder, unless a pager runs. */
static void on_interrupt(int number) {
    if (asked++ && !view_is_paging()) {
        view_folder_remove();
        signal(number, SIG_DFL);
        raise(number);
    }
}

/* SQLite asks whether to stop: yes after Ctrl-C, which is noted. */
static int stop_query(void *context) {
    (void)context;
    was_stopped |= asked != 0;
    return asked != 0;
}

bool view_is_interrupted(void) {
    was_stopped |= asked != 0;
    return asked != 0;
}

void view_forget_interrupt(void) {
    asked = 0;
    was_stopped = false;
}

bool view_answer_is_cut(void) {
    return was_stopped || (asked && ferror(stdout));
}

/* Shows the progress; true stops the reader: Ctrl-C. */
static int watch(void *context, const struct hak_progress *progress) {
    (void)context;
    view_progress(progress);
    return view_is_interrupted();
}

/* Notes an end that was asked for by another way than Ctrl-C, and may be so by two at once. */
static void on_end(int number) {
    (void)number;
    asked = 1;
}

/* Started with the signal ignored (nohup, a script's &), it stays so. */
static void heed(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler}, before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void view_heed_interrupt(void) {
    heed(SIGINT, on_interrupt);
}

void view_heed_end(void) {
    heed(SIGTERM, on_end);
    heed(SIGHUP, on_end);
}

void view_heed_signals(void (*handler)(int), sigset_t *within) {
    static const int heeded[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = handler}, before;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++) {
        sigaction(heeded[i], NULL, &before);
        if (before.sa_handler == SIG_IGN && heeded[i] != SIGCHLD)
            continue;
        sigaction(heeded[i], &action, NULL);
        sigaddset(&blocked, heeded[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, within);
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++)
        sigdelset(within, heeded[i]);
}

void view_watch_reading(struct view *view) {
    view_heed_interrupt();
    hak_store_watch(watch, view);
    sqlite3_progress_handler(hak_store_database(view->reader)->connection, STEPS_BETWEEN_LOOKS,
                             stop_query, NULL);
}

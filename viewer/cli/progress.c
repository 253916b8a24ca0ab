/* Progress of long work, on stderr and only when that is a terminal: how far, how fast, how long.
 */
#include "viewer/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "report/words/words.h"

#define FIRST_AFTER_NS 1000000000ull /* what ends sooner shows nothing */
#define EVERY_NS       250000000ull

static struct {
    bool is_off, is_shown, is_decided;
    const char *doing;
    uint64_t begin_ns, pass_ns, pass_from, last_ns, last_done;
} progress;

uint64_t view_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* True when stderr is a terminal that can show it. */
static bool is_wanted(void) {
    if (!progress.is_decided) {
        const char *terminal = getenv("TERM");
        progress.is_off |= !isatty(STDERR_FILENO) || !terminal || strcmp(terminal, "dumb") == 0;
        progress.is_decided = true;
    }
    return !progress.is_off;
}

/* Begins a pass with a rate of its own: a read that begins anew (check goes over the events several
 * times). */
static void begin_pass(const struct hak_progress *now, uint64_t ns) {
    progress.doing = now->doing;
    progress.pass_ns = ns;
    progress.pass_from = now->done;
    if (progress.begin_ns == 0)
        progress.begin_ns = ns;
}

void view_progress(const struct hak_progress *now) {
    if (!is_wanted())
        return;
    uint64_t ns = view_now_ns();
    if (progress.begin_ns == 0 || now->done < progress.last_done || now->doing != progress.doing)
        begin_pass(now, ns);
    progress.last_done = now->done;
    if (ns - progress.begin_ns < FIRST_AFTER_NS || ns - progress.last_ns < EVERY_NS)
        return;
    uint64_t read = now->done - progress.pass_from, spent = ns - progress.pass_ns;
    double per_second = spent > 0 ? (double)read * 1e9 / (double)spent : 0;
    view_write(stderr, "\r%s%s%s", now->doing, now->doing[0] ? ": " : "",
               hak_words_number(now->done));
    if (now->total > 0) /* else nobody knows how many there will be */
        view_write(stderr, " of %s", hak_words_number(now->total));
    view_write(stderr, " %s", now->unit ? now->unit : "events");
    if (per_second >= 1 && now->total > 0)
        view_write(stderr, ", %s per second, %.0f s left", hak_words_number((uint64_t)per_second),
                   now->total > now->done ? (double)(now->total - now->done) / per_second : 0.0);
    view_write(stderr, "\033[K");
    progress.last_ns = ns;
    progress.is_shown = true;
}

void view_progress_clear(void) {
    if (progress.is_shown)
        view_write(stderr, "\r\033[K");
    progress.is_shown = false;
}

void view_progress_end(void) {
    view_progress_clear();
    progress.is_off = true;
}

/* Progress of long work, on stderr and only when that is a terminal and stdout is not. */
#include "view.h"

#include <string.h>
#include <time.h>
#include <unistd.h>
#include "collector/words.h"

#define FIRST_AFTER_NS 1000000000ull /* what ends sooner shows nothing */
#define EVERY_NS       250000000ull
#define LOOK_EVERY     4096 /* calls between looks at the clock */

static struct {
    bool is_on, is_shown;
    unsigned calls;
    uint64_t begin_ns, last_ns;
} progress;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void view_progress_begin(const struct view *view) {
    memset(&progress, 0, sizeof progress);
    progress.is_on = !view->terminal && isatty(STDERR_FILENO);
    progress.begin_ns = progress.is_on ? now_ns() : 0;
}

void view_progress(uint64_t done, uint64_t total, const char *unit) {
    if (!progress.is_on || ++progress.calls % LOOK_EVERY != 0)
        return;
    uint64_t now = now_ns(), spent = now - progress.begin_ns;
    if (spent < FIRST_AFTER_NS || now - progress.last_ns < EVERY_NS || done == 0)
        return;
    double per_second = (double)done * 1e9 / (double)spent;
    double left = total > done ? (double)(total - done) / per_second : 0;
    fprintf(stderr, "\r%s of %s %s, %s per second, %.0f s left\033[K", hak_words_number(done),
            hak_words_number(total), unit, hak_words_number((uint64_t)per_second), left);
    progress.last_ns = now;
    progress.is_shown = true;
}

void view_progress_end(void) {
    if (progress.is_shown)
        fprintf(stderr, "\r\033[K");
    progress.is_on = progress.is_shown = false;
}

/* `run --core`: reports beside core files. */
#ifndef HAK_VIEWER_RECORD_CORES_H
#define HAK_VIEWER_RECORD_CORES_H

#include "viewer/cli/cli.h"

/* In the child that becomes the program: lets cores be as long as they may. Async-signal-safe. */
void run_core_allow(const struct view *view);
/* After the end, with the store open: writes CORE.hakmem.txt beside the core of each process that a
 * signal ended and in which something was found; where there is no core, beside the store. Says on
 * stderr what was written. False: a file could not be (printed). */
bool run_core_finish(struct view *view);

/* A process that a signal ended. */
struct run_dead {
    uint64_t row, pid, signal;
    const char *program;
};
/* Writes the path of a core by the kernel's core_pattern and core_uses_pid, core(5), into `out`,
 * for glob(3): unknown values become wildcards. */
void run_core_expand_pattern(char *out, size_t bytes, const char *pattern, bool uses_pid,
                             const struct run_dead *dead);

#endif

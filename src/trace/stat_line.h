/* The line of /proc/PID/stat, read in one place for both sides: the program's way to its keeper,
 * and the collector.
 *
 *   4711 (a name) R (x)) S 4710 ...     fields are counted as in proc(5), from 1
 *                      ^ the name may hold anything: the last parenthesis ends it
 */
#ifndef HAK_TRACE_STAT_LINE_H
#define HAK_TRACE_STAT_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum hak_stat_field {
    HAK_STAT_STATE = 3,
    HAK_STAT_PARENT = 4,
    HAK_STAT_FLAGS = 9,
    HAK_STAT_USER_TICKS = 14,
    HAK_STAT_KERNEL_TICKS = 15,
    HAK_STAT_THREADS = 20,    /* the first one counts as long as the process is there */
    HAK_STAT_START_TIME = 22, /* clock ticks since boot */
    HAK_STAT_MEMORY = 23,     /* bytes that are mapped; 0: it has let go of all */
    HAK_STAT_EXIT_CODE = 52,  /* as wait tells it, of a zombie */
};

/* Finds where field `number`, 3 at least, begins in the text `line` of /proc/PID/stat; NULL = it
 * has no such field. */
static inline const char *hak_stat_at(const char *line, int number) {
    const char *at = strrchr(line, ')');
    for (int field = 2; at && field < number; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at && *at && *at != ' ' && *at != '\n' ? at : NULL;
}

/* Reads the number in field `number`, 4 at least. False when it has none, or one below 0. */
static inline bool hak_stat_number(const char *line, int number, uint64_t *value) {
    const char *at = hak_stat_at(line, number);
    if (!at || *at < '0' || *at > '9')
        return false;
    for (*value = 0; *at >= '0' && *at <= '9'; at++)
        *value = *value * 10 + (uint64_t)(*at - '0');
    return true;
}

/* The process's own number, in the pid namespace that this /proc was mounted for; 0 = none. */
static inline int64_t hak_stat_pid(const char *line) {
    int64_t pid = 0;
    for (int i = 0; i < 10 && line[i] >= '0' && line[i] <= '9'; i++)
        pid = pid * 10 + (line[i] - '0');
    return pid;
}

#endif

/* A process's resident memory, from /proc/PID/status: that file is ready without a lock of the
 * process (kernel/proc.h), so asking never makes the program wait, as smaps_rollup does, which
 * walks all of its pages under the lock that mmap needs. */
#ifndef HAK_COLLECTOR_SESSION_RESIDENT_H
#define HAK_COLLECTOR_SESSION_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In bytes; pages that processes share count in each of them. The first three together are the
 * resident memory. */
enum hak_resident_field {
    HAK_RESIDENT_ANONYMOUS, /* heap, stacks, written data of modules */
    HAK_RESIDENT_FILE,      /* pages of mapped files */
    HAK_RESIDENT_SHARED,    /* shared memory: the record's rings, too */
    HAK_RESIDENT_SWAPPED,
    HAK_RESIDENT_PEAK, /* the most that was resident at once, since the program was executed */
    HAK_RESIDENT_FIELDS
};

struct hak_resident {
    uint64_t bytes[HAK_RESIDENT_FIELDS];
};

/* "memory.anonymous": a field's name in the store's `metric`. */
const char *hak_resident_name(enum hak_resident_field field);

/* False: nothing is known, the process is gone or /proc is not there or another namespace's.
 * `pidfd` (-1 = none): the process must still be there behind the reading. For the worker's
 * thread. */
bool hak_resident_read(pid_t pid, int pidfd, struct hak_resident *out);

/* Reads the fields of resident memory from the text of a /proc/PID/status. False: a field is
 * missing or no number. */
bool hak_resident_parse(const char *status, struct hak_resident *out);

#endif

/* The files in which a process leaves names of its generated code (symbols/jit_names.h), opened
 * while they can be reached: their folders may go with the process.
 *
 *   process seen ----> its /tmp and working folder are opened
 *   code in no module --> its mappings are asked for a jitdump elsewhere, a few times
 *   process ended ---> perf-PID.map and jit-PID.dump are opened there, or nothing is kept
 *
 * PID is the process's id as it sees itself. A file must be a plain one, of this process's user or
 * of the recorded one's, and have been changed since the process began. For the worker's thread. */
#ifndef HAK_COLLECTOR_CAPTURE_MADE_FILES_H
#define HAK_COLLECTOR_CAPTURE_MADE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HAK_MADE_DUMPS 2

struct hak_made_files {
    int tmp, cwd, map, dumps[HAK_MADE_DUMPS]; /* descriptors, -1 = none */
    uid_t user;                               /* of the process */
    uint64_t next_look_ns;
    uint32_t looks;
    bool is_settled;     /* the process has ended: its files, if any, are open */
    const char *refused; /* why a file that is there is not read; a constant, NULL = none is */
};

/* Opens the folders of process `pid`, as this process sees it, in which its names of made code may
 * come to lie. NULL: there are too many, or no memory. */
struct hak_made_files *hak_made_files_open(pid_t pid);
/* Looks for the process's files of names, as code in no module is on a stack of it; at most each
 * LOOK_NS and LOOKS_MAX times, and not once a dump is open. */
void hak_made_files_look(struct hak_made_files *files, pid_t pid);
/* Opens the perf map and jitdump of a process that has ended, once; it called itself `inner` and
 * began at `began_ns` (CLOCK_REALTIME, 0 = not known). Older files are not taken, and its folders
 * are closed. */
void hak_made_files_settle(struct hak_made_files *files, pid_t inner, uint64_t began_ns);

/* Closes all the files and frees them. */
void hak_made_files_close(struct hak_made_files *files); /* NULL is nothing */

#endif

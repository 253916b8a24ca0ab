/* A process that runs, as `ctl` sees it from outside: hakmem's words in its memory
 * (trace/control.h) and the rings of its session.
 *
 *   ctl.c         the command and its words
 *   ctl_target.c  finds the process, reads and writes its memory
 *   ctl_ask.c     has it do something, and waits
 *   ctl_status.c  what is known of it, in lines and as JSON
 *   ctl_profile.c its sampled heap profile (pull.h), as top and export show it, or as a store
 *   ctl_serve.c   the same for pprof and others that ask by HTTP (ctl_serve.h)
 *   ctl_stats.c   figures of its allocator, which lie elsewhere in its memory (corefile)
 *   ctl_set.c     settings of its allocator, likewise
 *
 * Nothing that is read is trusted: sizes and indices are checked. For one thread. */
#ifndef HAK_VIEWER_RECORD_CTL_H
#define HAK_VIEWER_RECORD_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/json.h"
#include "trace/control.h"
#include "trace/session.h"
#include "viewer/cli/cli.h"

/* The rings of its session. */
struct ctl_rings {
    uint64_t head[HAK_RINGS]; /* records written so far */
    uint64_t tail[HAK_RINGS]; /* and stored */
    uint32_t count;
    bool is_file;       /* no collector: they lie in a file, and nobody stores them */
    uint64_t silent_ns; /* since the collector's heart beat last */
    uint64_t written, waiting;
};

struct ctl_target {
    pid_t pid;
    pid_t shown; /* a thread of it that lives: its memory is read there */
    char name[64];
    uint64_t start_time; /* field 22 of its stat: another process may get its number */
    uint64_t address;    /* of its hak_control */
    struct hak_control control;
    char store[HAK_CONTROL_PATH]; /* where it is recorded, or was last; "" = nowhere */
    uint64_t session;             /* address of its session's memory, 0 = it has none */
    uint64_t profile; /* of libhakmem.so's heap profile, 0 = none; see ctl_find_profile */
    int lock;         /* on its maps: no other ctl asks meanwhile; -1 = not held */
};

/* ---- the process ------------------------------------------------------------------------------
 */

/* Finds the process of the typed pid, its hak_control and its store. False: the error is printed.
 */
bool ctl_find(struct ctl_target *t, const char *typed);
/* The same of a process that may have none: libhakmem.so alone is in it, or nothing of hakmem. */
bool ctl_find_any(struct ctl_target *t, const char *typed);
/* Reads its words again. False: it has ended, or is another one now. */
bool ctl_look(struct ctl_target *t);
/* Reads how far each of its rings was written and stored, and since when its collector is silent.
 * False: it has no session that can be read. */
bool ctl_look_at_rings(struct ctl_target *t, struct ctl_rings *rings);
bool ctl_is_light(const struct ctl_target *t);
/* It is recorded, from its start on; not in level light. */
bool ctl_is_recorded(const struct ctl_target *t);
/* Why it may not answer: "it is stopped (SIGSTOP, or a debugger)". */
const char *ctl_silence(const struct ctl_target *t);

/* Takes note of the heap profile of a process without hakmem's words (libhakmem.so), whose table
 * may lie at `address`. False: it has none. */
bool ctl_find_profile(struct ctl_target *t, uint64_t address);
/* The table of its heap profile; 0: it has none. */
uint64_t ctl_profile_table(const struct ctl_target *t);

bool ctl_read(const struct ctl_target *t, uint64_t address, void *to, size_t bytes);

/* Writes bytes at `address` into the process's memory. False: errno says why. */
bool ctl_write(const struct ctl_target *t, uint64_t address, const void *from, size_t bytes);

/* ---- what is asked ----------------------------------------------------------------------------
 */

/* Has it do `ask`, with `name` (a mark's; "" = none), and waits for it, at most `seconds`. 0 when
 * it answered (t->control.result), else an exit status, and the error is printed. */
int ctl_ask(struct ctl_target *t, enum hak_control_ask ask, const char *name, uint64_t seconds);
/* Waits until what it has recorded so far is stored; `*records` is their number. As above. */
int ctl_flush(struct ctl_target *t, uint64_t seconds, uint64_t *records);

/* ---- what is shown ----------------------------------------------------------------------------
 */

/* Prints the status as lines or as JSON. False, and said. */
bool ctl_print_status(const struct view *view, struct ctl_target *t);
/* Checks the options of ctl_profile. False: the error is printed. */
bool ctl_check_profile(const struct view *view);
/* Reads the process's heap profile, twice with --for, and shows it, or writes the FILE of -o, or
 * serves it. Returns the exit status. */
int ctl_profile(const struct view *view, struct ctl_target *t, uint64_t seconds);
/* Writes its heap profile to stdout as pprof reads it; with `for_ns` what changed in that time,
 * which ends early where the socket `client` has hung up. An exit status; VIEW_UNREADABLE: nothing
 * was written, the process has ended or has no profile that can be read. */
int ctl_write_pprof(const struct view *view, struct ctl_target *t, uint64_t for_ns, int client);
/* The process's status as JSON: pid, level, store, collector, and counts of level light or of the
 * record. */
json_t *ctl_json(struct ctl_target *t);

#endif

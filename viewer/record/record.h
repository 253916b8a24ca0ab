/* Recording: the commands `run` and `import`, the group RECORD of the help page.
 *
 *   run.c --> target.c, store.c, environment.c --> child.c: PROGRAM under hakmem-debug.so
 *      |                                              |
 *      |      the keeper, inside this process  <------+   (collector/keeper/keeper.h)
 *      +--> ci.c: files and words for a CI job
 *   ctl.c (ctl.h) --> a program that runs already: reads, and asks, by a few bytes of its memory
 *   import.c: a store of the files of programs that found no collector
 *
 * Calls findings, capture and cli; the collector starts and ends here. */
#ifndef HAK_VIEWER_RECORD_RECORD_H
#define HAK_VIEWER_RECORD_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "viewer/cli/cli.h"

int command_run(struct view *view);

/* Runs `import`: makes a store of files of rings. Returns the exit status. */
int command_import(struct view *view);

/* Runs `ctl`: asks a running process for its status, a mark, a sweep and others. Returns the exit
 * status. */
int command_ctl(struct view *view);

/* Processes that PROGRAM or its children started and that outlive it. */
struct record_left {
    uint32_t patience_ms;      /* they may end by themselves so long, 0 = until `is_over` */
    volatile bool is_over;     /* set by anybody: no patience any more */
    volatile uint32_t ended;   /* that were asked to end, or made to */
    volatile uint32_t running; /* and those of them that go on all the same */
    char names[96];            /* of them, "" where there are none */
};

/* left.c: from now on processes whose parent has ended become this process's children. */
void record_adopt_left(void);

/* A run that is one of several, of a command that goes on after it. Its results may lie in memory
 * that another process reads meanwhile. */
struct record_part {
    const char *command; /* named in messages; NULL = run */
    int stdio[3];        /* what PROGRAM has as descriptors 0, 1, 2; -1 = this process's own */
    volatile bool has_started;
    volatile pid_t program;      /* while it runs, else 0 */
    volatile int program_status; /* the program's own, or 128 + its signal */
    volatile int program_signal; /* that one, 0 = it exited */
    volatile bool is_recorded;   /* a store was made */
    volatile uint32_t live;      /* recorded processes that still run */
    struct record_left *left;    /* what PROGRAM leaves behind is ended; NULL = it goes on */
};
/* `run`, as `view` has it, without its closing line; the same exit status. Once in a process. */
int record_run(struct view *view, struct record_part *part);
/* Settles the path of PROGRAM's store: the file that `pattern` names (NULL: the name that `run`
 * gives it), %e and %p put in. Something lies there that must not be replaced: false (printed). */
bool record_settle_store(const struct view *view, const char *pattern, char *path, size_t bytes);
/* The same for process `pid`, whose program is `program`. */
bool record_settle_store_of(const struct view *view, const char *pattern, const char *program,
                            pid_t pid, char *path, size_t bytes);
/* Finds hakmem's library `name` and hakmem-collect, each of PATH_MAX bytes. False: printed. */
bool record_find_files(const struct view *view, const char *name, char *library, char *collect);
/* Can LD_PRELOAD name the library? False: printed, as an error of `command`. */
bool record_may_preload(const char *command, const char *library);
/* Finds one of hakmem's own files, which `mode` (of access) is allowed for: its real path, of
 * PATH_MAX bytes. False: printed. */
bool record_find_own(const char *name, int mode, char *path);

#endif

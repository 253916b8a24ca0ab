/* `run`: a program under hakmem-debug.so, with the keeper inside this process.
 *
 *   run.c          from the command line to the exit status
 *   target.c       can PROGRAM be recorded? (before anything is started)
 *   store.c        the store's path
 *   environment.c  where hakmem's own files are, LD_PRELOAD, HAKMEM_*
 *   child.c        starting it, signals, its end
 *   left.c         the processes that it leaves behind
 *   registers.c    do debug registers fire?
 *   ci.c           files and words for a CI job
 *   cores.c        --core: reports beside core files */
#ifndef HAK_VIEWER_RECORD_RUN_H
#define HAK_VIEWER_RECORD_RUN_H

#include <limits.h>
#include <signal.h>
#include <sys/types.h>
#include "viewer/findings/findings.h"
#include "viewer/capture/capture.h"

/* Finds PROGRAM as execvp would. Looks whether hakmem can get in between: 64-bit x86-64 ELF,
 * dynamically linked against glibc, no set-id, no malloc or sanitizer of its own; for a script its
 * interpreter. False: one line on stderr says what is in the way and what to do. */
bool run_target_check(const char *program);
/* The file that could not be looked at, because it may be executed but not read; NULL = none. */
const char *run_target_unreadable(void);

/* Path of the store, with %e and %p put in. False (printed): something lies there that must not be
 * replaced, or the user named a path at which no store can be made. */
bool run_settle_store(const struct view *view, pid_t pid, char *path, size_t bytes);
/* The same for `import`, which knows its path. */
bool run_check_store(const struct view *view, const char *path);
/* False (printed): no file can be made at `path`, where reports should go. */
bool run_check_log(const char *path);

struct run_files {
    char library[PATH_MAX]; /* hakmem-debug.so or hakmem-record.so */
    char collect[PATH_MAX]; /* hakmem-collect */
};
/* Finds the library and the collector beside this program, or in ../lib, ../lib/hakmem,
 * ../libexec/hakmem. False, and said: also where LD_PRELOAD cannot name the library. */
bool run_find_files(const struct view *view, struct run_files *files);

/* The command that messages name: "run", or the one that this run is a part of. */
const char *run_name(void);
void run_set_name(const char *of_command);

/* Checks the values of all options that set variables, --pools and --allocator. False: printed. */
bool run_options_check(const struct view *view);
/* `--allocator keep`: PROGRAM keeps its allocator, and nothing is checked. */
bool run_keeps_allocator(const struct view *view);
/* Fills in why leaks that --ci, --leaks or HAKMEM_LEAKS asked for were not looked for. */
void run_say_unscanned(const struct view *view, struct view_checked *checked);
/* The name of the library that PROGRAM gets. */
const char *run_library(const struct view *view);
/* Sets what --pools asks for in this process's environment, from which the keeper's worker has it,
 * too: it stores whether pools were open. False: printed. */
bool run_open_pools(const struct view *view);
/* Sets LD_PRELOAD and HAKMEM_* in this process's environment; called in the child, so that the
 * keeper's worker starts without it. */
bool run_set_environment(const struct view *view, const struct run_files *files);
/* The value of a variable as the program gets it: a relative path of a file is made absolute, in
 * `out` of RUN_CI_PATH bytes, as it is meant from here wherever the program goes later. */
const char *run_settle_value(const char *variable, const char *value, char *out);
/* Expands %e (name of `program`) and %p (`pid`) in `pattern` and makes it absolute. False, and
 * said: it does not fit. */
bool run_expand_path(const char *pattern, const char *program, pid_t pid, char *out, size_t bytes);

/* Results for a CI job beside the exit status. */
#define RUN_CI_PATH (2 * PATH_MAX)
struct run_ci {
    enum annotations service;
    char junit[RUN_CI_PATH], sarif[RUN_CI_PATH], quality[RUN_CI_PATH]; /* "" = not written */
    char baseline[RUN_CI_PATH]; /* the one that this run makes, "" = none */
};
/* Reads --annotations, and looks whether baseline and suppressions can be read. `may_make`: a
 * baseline that does not exist is made at the end. False: printed. */
bool run_ci_check(const struct view *view, bool may_make, struct run_ci *ci);
/* Settles the files' paths: as given, with --ci beside the store. False: printed. */
bool run_ci_settle(const struct view *view, pid_t pid, const char *store, struct run_ci *ci);
/* The path of the store with `suffix` in the place of its ".db". */
void run_ci_beside(const char *store, const char *suffix, char *out, size_t bytes);
/* Writes files, annotations, the baseline that did not exist and, with --ci, the new findings in
 * few lines. False: printed. */
bool run_ci_finish(struct view *view, struct run_ci *ci, const struct findings *findings);

/* A program that is forked and waits for the word to start. */
struct run_child {
    pid_t pid;
    int go; /* pipe: the session's name is written into it */
};
/* Forks; the child waits, then sets its environment and executes the arguments of `view`. `stdio`:
 * its descriptors 0, 1 and 2, -1 = this process's; NULL = all are. */
bool run_child_fork(struct run_child *child, const struct view *view, const struct run_files *files,
                    const int *stdio);
/* Lets the child start. False: it could not be executed (printed), and it is gone. */
bool run_child_start(struct run_child *child, const char *session, const char *store_path);
/* Ends a child that was not started. */
void run_child_cancel(struct run_child *child);
/* Waits for its end, passing signals on. Returns its wait status. It stays a zombie, which
 * tells the collector how it ended, until it is reaped. As the first process of a pid namespace
 * `run` takes the orphans that end meanwhile. `leaves`: the second TERM or INT, other than from the
 * terminal, ends the waiting, and its number is the status. */
int run_child_wait(struct run_child *child, bool leaves);
/* Forgets a child that has ended. */
void run_child_reap(const struct run_child *child);
/* True when the waiting was ended so, and the program still lives. */
bool run_child_has_left(const struct run_child *child);
/* The program's `status`, 128 + its signal, is that of a TERM, INT, HUP or QUIT that came here. */
bool run_child_was_told_to_end(int status);
/* True when another TERM, INT, HUP or QUIT has come since: the recording is to end with `run`. */
bool run_child_is_cut(void);
/* The number of the TERM, INT, HUP or QUIT that came after its end, when no process was left to
 * pass it to, or that ended the waiting for it; else 0: `run` waits for nobody then. The same once
 * more ends `run` at once. */
const volatile sig_atomic_t *run_child_stop_signal(void);
/* True for the first process of a pid namespace, with which all others end. */
bool run_child_is_init(void);

/* Ends all of them but itself, as the kernel would a moment later, so that what they wrote can be
 * stored before. */
void run_child_end_all(void);

/* Whether a debug register of this process does not see a write: none of this machine fires. False
 * also where none can be had. */
bool run_registers_are_deaf(void);

/* PROGRAM has ended: waits for what it left behind, and ends it, as it fills in. `collect` is the
 * collector's program, whose processes are hakmem's own. */
struct record_left; /* record.h */

/* Waits until no process of the program is left, as long as `left` says, then ends the others by
 * SIGTERM and SIGKILL, and notes how many and which. */
void run_left_end(struct record_left *left, const char *collect);

#endif

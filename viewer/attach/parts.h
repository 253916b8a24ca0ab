/* Types and functions that the files of this room share about the recorded program. */
#ifndef HAK_VIEWER_ATTACH_PARTS_H
#define HAK_VIEWER_ATTACH_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/maps.h"

/* ---- process.c: a process as /proc shows it -------------------------------------------------- */

struct process {
    pid_t pid;
    pid_t shown; /* whose folder of /proc shows what it has: the first thread's, while that lives */
    char name[64];
    uint64_t born; /* field 22 of its stat */
    struct hak_map_line *mapping;
    uint32_t mappings, capacity;
    int handle; /* pidfd, -1: the kernel has none */
    int memory; /* of /proc/PID/mem: of what it runs now, not of what it executes later */
    int lock;   /* a socket whose name is taken as long as this command lives */
};

/* Reads name and mappings of process `pid`. False: printed. */
bool process_open(struct process *p, pid_t pid);
void process_close(struct process *p);
/* Reads the mappings again; false: it is gone. */
bool process_read_mappings(struct process *p);
/* False: it has ended, or executed another program, or another one has its number. */
bool process_is_there(const struct process *p);
bool process_has_executed(const struct process *p);
/* Whether the process is gone; if so, prints that it has ended or has executed another program. */
bool process_say_gone(const struct process *p);
/* The mapping that holds `address`, or NULL. */
const struct hak_map_line *process_mapping_at(const struct process *p, uint64_t address);
/* A sum that changes when files of code are mapped or unmapped, to be compared. */
uint64_t process_code_sum(const struct process *p);
/* Finds an address at which `bytes` are mapped nowhere; 0: there is none. */
uint64_t process_free_address(const struct process *p, uint64_t bytes);
/* Both fail when it has executed another program. */
bool process_read(const struct process *p, uint64_t address, void *to, size_t bytes);
bool process_write(const struct process *p, uint64_t address, const void *from, size_t bytes);
/* Checks whether the process can be recorded. False: printed, with what to do. True: it can be read
 * and written from here on, and nobody else records it. */
bool process_check(struct process *p);
/* Prints "process 4711 (redis) WHY; WHAT_TO_DO", or that it is gone. */
void process_refuse(const struct process *p, const char *why, const char *what_to_do);
/* The line of the text of /proc/PID/status that begins with `word`, behind it; "" = none. */
const char *process_status_line(const char *status, const char *word);

/* ---- forbidden.c: the kernel does not let this command trace it ------------------------------ */

/* Whether not even the process's owner, `user`, may trace it: the kernel shows its files as
 * another's. */
bool process_is_closed(const struct process *p, uint32_t user);
/* Prints what forbids it, and who can. */
void process_say_forbidden(const struct process *p);

/* ---- functions.c: functions that a module exports -------------------------------------------- */

struct function {
    uint64_t start, end;
    bool is_denied; /* a thread in it may hold a lock that a call needs */
};

struct module {
    char path[PATH_MAX];
    uint64_t start, end; /* of its mappings */
    uint64_t bias;
    struct function *function;
    uint32_t functions, capacity;
    bool has_malloc; /* it defines one */
};

/* Reads the module whose file is mapped as `path`. False: it is not mapped, or its file cannot be
 * read (any more). */
bool module_read(struct module *m, const struct process *p, const char *path);
void module_close(struct module *m);
/* The address of an exported function or object; 0 = there is none. */
uint64_t module_find(const struct module *m, const char *name);
/* Finds the start and the end of a function of the module. False: there is none. */
bool module_find_function(const struct module *m, const char *name, struct function *out);
/* Sets `is_denied`: a function that covers `address` is denied. False: none covers it. */
bool module_covers(const struct module *m, uint64_t address, bool *is_denied);

/* ---- place.c --------------------------------------------------------------------------------- */

/* The modules that decide whether a thread may be made to call a function where it stands. */
struct places {
    struct module libc, loader;
    struct module beside[2]; /* libpthread and libdl, which are libc's own parts since glibc 2.34 */
    uint32_t besides;
    struct module *allocator; /* other modules with a malloc */
    uint32_t allocators, capacity;
    void *unwinder; /* struct Dwfl * */
    uint64_t code_sum;
};

bool places_open(struct places *places, const struct process *p); /* false: printed */
void places_close(struct places *places);
/* Looks at the modules again where they have changed. False: one cannot be read. */
bool places_renew(struct places *places, const struct process *p);
/* Whether the thread, which stands, is outside of the allocator, of ld.so, of hakmem's library and
 * of whatever may hold a lock that they need, and its stack has room. */
bool places_are_safe(struct places *places, const struct process *p, pid_t thread);

/* ---- stop.c ---------------------------------------------------------------------------------- */

enum traced {
    NOT_TRACED,
    RUNS,
    STANDS,  /* in a stop that is not ours */
    IS_OURS, /* between two of its instructions, or behind a system call */
};

/* Threads that are traced and have not come to their stop: asleep in the kernel. */
struct late {
    pid_t *thread;
    uint32_t count, capacity;
};

void stop_nap(unsigned us);
/* Waits for the next stop, and lets go of late threads meanwhile: the thread that is waited for may
 * need what one of them holds. False: none within `ms` (*status is -1), or the thread has ended. */
bool stop_await(struct late *late, pid_t thread, unsigned ms, int *status);
bool stop_is_event(int status, int event);
/* Stops a thread, or gives up after a moment: RUNS. Signals that come first are passed on. */
enum traced stop_thread(struct late *late, pid_t thread);
/* Lets go of a thread; one that runs becomes late, and is let go when it stops. */
void stop_let_go(struct late *late, pid_t thread, enum traced traced);

/* Whether the thread is among the late ones, which are let go when they stop. */
bool stop_is_late(const struct late *late, pid_t thread);
/* Lets go of late threads that stand by now. How many do not. */
uint32_t stop_let_late_go(struct late *late);

/* ---- words.c --------------------------------------------------------------------------------- */

/* Offsets of the words that libc keeps for a thread, from its thread pointer; 0 = not known. */
struct words {
    uint64_t errno_at;
    uint64_t dlerror_at; /* what its next dlerror says */
};

/* The values of one thread's words, and their addresses. */
struct kept_words {
    int errno_value;
    uint64_t dlerror_value;
    uint64_t errno_at, dlerror_at; /* 0 = not kept */
};

void words_find(struct words *words, const struct process *p, const struct module *libc);

/* Reads the thread's errno and dlerror words, to be put back after a call, and hides the second
 * from the call. */
struct kept_words words_keep(const struct words *words, const struct process *p,
                             uint64_t thread_pointer);
/* Writes the thread's errno and dlerror back as they were. */
void words_put_back(const struct process *p, const struct kept_words *kept);

/* ---- tracer.c -------------------------------------------------------------------------------- */

/* The thread that traces, while there is something for it to do. */
struct tracer {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    void (*work)(void *); /* NULL = there is none */
    void *context;
    int error; /* errno after the last work */
    bool is_begun, has_ended, is_closing;
    uint64_t late_from_ns; /* what is late is so since then, or longer */
    struct late late;      /* the thread's own */
};

/* Prepares the thread that traces; the first tracer_do starts it. */
void tracer_open(struct tracer *t);
/* Has the thread that traces do `work`, and waits for it; errno is what it leaves. False: there can
 * be no thread, errno says why. */
bool tracer_do(struct tracer *t, void (*work)(void *), void *context);
/* Ends the thread that traces; nothing is traced any more. */
void tracer_close(struct tracer *t);

/* ---- call.c ---------------------------------------------------------------------------------- */

struct caller {
    struct process *process;
    struct places places;
    uint64_t restorer; /* of libc: the instructions that end a signal handler */
    struct words words;
    struct tracer tracer;
    uint64_t stack; /* made in the program for these calls; 0 = not yet */
    bool has_ended; /* the program has */
};

enum call_result {
    CALL_DONE,
    CALL_NO_MOMENT, /* no thread was at a place where it may call */
    CALL_NOT_BACK,  /* it goes on by itself */
    CALL_CRASHED,   /* the thread was taken out of it */
    CALL_FAILED,    /* the kernel does not let us; errno says why */
};

/* Prepares calls in the process: reads the modules that a safe place is judged by, and finds where
 * libc's signal handlers return. False: printed. */
bool caller_open(struct caller *c, struct process *p); /* false: printed */

/* Has the process unmap the stack of its calls, and lets go of its threads and modules. */
void caller_close(struct caller *c);
/* Makes sure of `stack`, whose lower half is free to be written to. */
enum call_result caller_prepare(struct caller *c, unsigned ms);
/* Has a thread of the program call `function` with up to six arguments, on a stack of its own.
 * Looks for a moment at most `ms`. */
enum call_result caller_call(struct caller *c, uint64_t function, const uint64_t *arguments,
                             unsigned count, unsigned ms);

#endif

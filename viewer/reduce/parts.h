/* Types and functions that the files of `reduce` share. */
#ifndef HAK_VIEWER_REDUCE_PARTS_H
#define HAK_VIEWER_REDUCE_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include "player/sequence.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"

/* Codes of faults.def; those below BAD_FREE are faults of the layers themselves. */
enum {
    BAD_FREE = 201,
    DOUBLE_FREE = 202,
    ALLOC_DEALLOC_MISMATCH = 203,
    NEW_DELETE_TYPE_MISMATCH = 204,
    HEAP_BUFFER_OVERFLOW = 301,
    HEAP_BUFFER_UNDERFLOW = 302,
    WRITE_AFTER_FREE = 303,
    USE_AFTER_FREE = 304,
    POOL_DOUBLE_FREE = 501,
    POOL_MISMATCH = 502,
    POOL_USE_AFTER_RESET = 504,
    POOL_OVERFLOW = 505,
    POOL_DOUBLE_ALLOC = 506,
    POOL_ILLEGAL_MOVE = 507,
};

/* A step, and the program's function that made it; "" = not known. */
struct step {
    struct sequence_step made;
    char function[64];
};

struct sequence {
    struct step *step;
    uint32_t count, capacity;
};

/* The variables that a run needs for its fault. */
struct setting {
    const char *guard; /* HAKMEM_GUARD; NULL = as level normal has it; so for the next two */
    const char *align; /* HAKMEM_GUARD_ALIGN */
    const char *side;  /* HAKMEM_GUARD_SIDE */
    bool checks_strings;
    const char *inject; /* HAKMEM_INJECT; NULL = no fault of hakmem's own */
};

/* Where the pointer of a fault points, by the offset and the size of its SUMMARY line. */
enum side { SIDE_UNKNOWN, SIDE_BEFORE, SIDE_BASE, SIDE_INSIDE, SIDE_BEHIND };

/* The kind of place of a fault: two faults of the same kind count as the same. */
struct place {
    unsigned code; /* of HKM-n; 0 = none */
    char hop[32];  /* "" = any */
    char from[16]; /* of a move in a pool: out, free, new, or own for places of the program's */
    enum side side;
    bool is_raw; /* it is not known: the report was written without a collector */
};

/* Said of a fault of the layers that nothing else gives. */
#define REDUCE_INJECTED "HAKMEM_INJECT puts this fault in: the calls alone do not give it."

enum { SAID_BYTES = 1 << 16, SEEN_RUNS = 10, LINE_BYTES = 160 };

/* Results of the C program: each a sentence, "" = it was not run. */
struct seen {
    char hakmem[LINE_BYTES], sanitizer[LINE_BYTES], libc[LINE_BYTES], libc_checks[LINE_BYTES];
    bool has_failed; /* not each run under hakmem gave the fault */
};

/* STOP_RUN: a run says nothing of its candidate. */
enum stop { STOP_NOT, STOP_TIME, STOP_INTERRUPT, STOP_RUN };

struct reduction {
    struct view *view;
    struct place wanted;
    struct setting setting;
    struct sequence best;
    const char *check; /* the user's own test, which decides in place of the report; NULL = none */
    uint64_t event;    /* of the fault, 0 = none */
    uint32_t process;  /* row */
    bool may_inject;   /* the calls alone do not give it */
    json_t *document;  /* of the fault; NULL = there is none */
    char player[PATH_MAX], library[PATH_MAX];
    char complaint[LINE_BYTES]; /* how the user's test ended, and its last line; or of STOP_RUN */
    uint64_t limit_ms;          /* of a run */
    uint64_t end_ms, time_s;    /* of all, on the clock of view_now_ns, and as it was asked for */
    uint64_t runs, accepted;    /* accepted: took r->best's place */
    uint64_t runs_ended;        /* by their limit of time */
    enum stop stopped;          /* r->best may not be the shortest */
    double seconds;
};

/* sequence.c */
bool sequence_add(struct sequence *sequence, const struct step *step);
/* Takes the place of `to`. False: no memory. */
bool sequence_copy(struct sequence *to, const struct sequence *from);
void sequence_free(struct sequence *sequence);
const char *sequence_word(enum sequence_verb verb);
bool verb_is_birth(enum sequence_verb verb);
/* Does it hand a pointer to the allocator? */
bool verb_takes_pointer(enum sequence_verb verb);
/* Is it a call of hakmem.h for a pool of the program's own? */
bool verb_is_of_pool(enum sequence_verb verb);
/* Is `b` the same as `a` with the next block? */
bool step_follows(const struct sequence_step *a, const struct sequence_step *b);
/* Does each step have its block? Without that a free of an address in a block would become one of
 * an address that is none. */
bool sequence_is_whole(const struct sequence *sequence);
uint32_t sequence_last_block(const struct sequence *sequence);
/* The number, at most 2^56 on each side of 0: those beyond are of calls that fail in any case, and
 * these can be doubled and added. */
int64_t sequence_within(int64_t number);
uint32_t sequence_last_thread(const struct sequence *sequence);
/* Numbers threads without gaps, in the order of their first steps; the main thread stays 1. False:
 * no memory. */
bool sequence_number_threads(struct sequence *sequence);
/* The same, and numbers blocks so. */
bool sequence_number(struct sequence *sequence);
/* Appends a line of it, without its end. */
void sequence_add_step(struct hak_text *text, const struct step *step);
/* Appends the text that hakmem-player reads. */
void sequence_add_text(struct hak_text *text, const struct sequence *sequence);

/* place.c: reads the kind of place of a SUMMARY line. */
void place_read(struct place *place, unsigned code, const char *summary);
/* Reads it of the first report in the output of a program; code 0: it holds none. */
void place_read_first(struct place *place, const char *said);
/* The place that a piece of a pool was moved from, by its name in the pool. */
void place_read_from(struct place *place, const char *name);
/* In the first line of a report that the program wrote itself. */
#define PLACE_RAW "(raw report: "
bool place_is_same(const struct place *a, const struct place *b);

/* fault.c: reads fault `row` of the open capture. 0, or an exit status (printed). */
int fault_read(struct reduction *r, uint32_t row);
/* Adds the calls of the fault's block alone. */
bool fault_add_block(const struct reduction *r, struct sequence *out);
/* Adds the faulty steps, on block `block`. */
bool fault_add_steps(const struct reduction *r, struct sequence *out, uint32_t block);
/* Adds `alone`, and live blocks like its first one before and behind that one: a freed block on a
 * page of its own is closed, and then a write faults. */
bool fault_add_beside(const struct sequence *alone, struct sequence *out);
/* Names the step by the innermost function of the program in the frames, not of the C library. */
void fault_take_function(struct step *step, const json_t *frames);
/* The report says that a function found it. */
bool fault_needs_strings(const struct reduction *r);
/* The capture has the life of the fault's block. */
bool fault_has_life(const struct reduction *r);

/* fault.c: the verb of an allocation by its call (hops.def, TAKEN), and what the address of one by
 * an aligned call shows of the alignment: 4,096 at most. */
enum sequence_verb verb_of_birth(unsigned subkind);
bool verb_is_aligned(enum sequence_verb verb);
int64_t alignment_of(uint64_t address);

/* pools.c: a fault of one of the program's own pools, and the whole sequence for it. */
bool fault_is_of_pool(const struct reduction *r);
bool fault_add_pool(const struct reduction *r, struct sequence *out);

/* log.c: adds the newest `most` calls of the process before the fault or the end, and tells the
 * number of the fault's block; 0 = it has none. 0, or an exit status (printed). */
enum { LOG_CALLS_MAX = 20000 };
int log_add(const struct reduction *r, uint32_t most, struct sequence *out, uint32_t *block);
/* Adds what the call may have been in which the process died: a record has the calls that returned.
 * Allocations of the newest sizes, a resize and an end of the newest live blocks. False: no memory.
 */
bool log_add_last(struct sequence *log);

/* first.c: finds the first sequence that gives the fault, into r->best. 0, or an exit status
 * (printed). */
int find_first(struct reduction *r);

/* run.c: one process with a limit of time. */
struct run {
    const char *argument[8]; /* NULL behind the last one; the first is looked for in PATH */
    const char
        *variable[20]; /* "NAME=VALUE", or "NAME" to take it away; NULL behind the last one */
    bool is_clean;     /* hakmem's variables and LD_PRELOAD are taken away before */
    const struct hak_text *input; /* on standard input; NULL = none */
    char said[SAID_BYTES];        /* the begin of what it printed to standard error */
    int status;                   /* of waitpid */
    bool was_ended;               /* by its limit or Ctrl-C */
};
/* False: it cannot be started (printed). */
bool run_make(struct run *run, uint64_t limit_ms);
/* The time of all is up, or Ctrl-C was typed: notes it. */
bool run_is_over(struct reduction *r);
/* It ended like a program that could not be started. */
bool run_has_failed(const struct run *run);
/* The last line of what it printed, behind which `said` is cut off; NULL: it printed none. */
const char *run_last_line(struct run *run);

/* attempt.c: makes the sequence. 1: it gives the fault, or the user's test holds; 0: not; below 0:
 * it cannot be made (printed). */
int attempt(struct reduction *r, const struct sequence *sequence, const struct setting *setting);
/* The same with r->setting; takes r->best's place where it gives the fault. */
int attempt_better(struct reduction *r, const struct sequence *candidate);

/* setting.c: appends "HAKMEM_GUARD=all " and so on. */
void setting_add(struct hak_text *text, const struct setting *setting);
/* The variables of a run under hakmem; `texts` holds what they point to. */
enum { SETTING_WORDS = 8 };
void setting_fill(struct run *run, const struct reduction *r, const struct setting *setting,
                  char texts[SETTING_WORDS][PATH_MAX + 16]);

/* file.c: puts the path of a file in the command's folder into `path`, of PATH_MAX + 16 bytes.
 * False: there is no folder (printed). */
bool file_path(const char *name, char *path);
/* Writes the file, whose path it puts there. False: printed. */
bool file_write(const char *name, const char *text, char *path);

/* shrink.c: makes r->best shorter as long as the fault stays. 0, or an exit status. */
int shrink(struct reduction *r);
/* simplify.c: smaller numbers and a simpler order. 0; below 0: it cannot be made. */
int simplify_numbers(struct reduction *r);
int simplify_order(struct reduction *r);
/* simplify.c: all in one thread; else each in an earlier one. */
int join_all_threads(struct reduction *r);
int join_threads(struct reduction *r);

/* seen.c: compiles r->best and runs it under hakmem, the address sanitizer and glibc's checks.
 * False: printed. */
bool seen_try(struct reduction *r, struct seen *seen);

/* program.c: appends the sequence as a C program; `seen` NULL: not known. */
void program_add(struct hak_text *text, const struct reduction *r, const struct sequence *sequence,
                 const struct seen *seen);
/* Appends a line for each that ran it. */
void program_add_seen(struct hak_text *text, const char *before, const struct seen *seen);
/* Does the program need the operators of C++, or threads? */
bool program_needs_operators(const struct sequence *sequence);
bool program_needs_threads(const struct sequence *sequence);

#endif

/* Types and functions that the files of `hunt` share. */
#ifndef HAK_VIEWER_HUNT_PARTS_H
#define HAK_VIEWER_HUNT_PARTS_H

#include <limits.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/record/record.h"

#define HUNT_PATH  (2 * PATH_MAX)
#define HUNT_DEPTH 16 /* of processes */

/* The evidence that a run or a capture gives of the fault, the weakest first. */
enum hunt_sight {
    HUNT_NOTHING,
    HUNT_CRASH,   /* the program crashed, and no block is named */
    HUNT_DAMAGE,  /* found later than done */
    HUNT_SYMPTOM, /* a call that touches bytes past a block which something has overwritten */
    HUNT_CALL,    /* the call that is wrong: of a string function or of the malloc family */
    HUNT_HOP,     /* the move between hakmem's own layers */
    HUNT_INSTRUCTION,
};

/* When a finding came, by calls of the malloc family: of the outermost recorded process up to its
 * fork, or its exec, that led to the next one, and so on, and of the finding's own up to it. The
 * times at which processes run beside each other differ from run to run; these do not. */
struct hunt_moment {
    int depth; /* 0 = not known */
    uint64_t calls[HUNT_DEPTH];
};

/* The fault of a run that counts. */
struct hunt_fault {
    enum hunt_sight sight;
    uint32_t row;
    unsigned code;    /* HKM number, 0 = a crash */
    const char *name; /* "double-free" */
    bool is_read;     /* the access, where one is known */
    bool has_block;   /* what follows is known */
    uint64_t asked_bytes;
    int64_t offset;   /* of the first byte that was touched, from the block's start */
    uint64_t birth;   /* the event of its allocation, 0 = not known */
    uint64_t ordinal; /* among the blocks of its stack and size, from 1; 0 = not known */
    uint64_t number;  /* among those of its stack, likewise */
    uint64_t event;   /* at which it was found, 0 = not known */
    struct hunt_moment moment;
    char *site;  /* the frames of its allocation as only: takes them, "" = not known */
    char *place; /* "main app/main.c:12", "" = not known */
    char *headline;
};

/* How a run is made. */
enum hunt_blocks {
    HUNT_NONE, /* level normal by itself */
    HUNT_ALL,  /* HAKMEM_GUARD=all */
    HUNT_ONLY, /* the blocks of the allocation stack that is known */
};

struct hunt_plan {
    enum hunt_blocks blocks;
    bool is_before;  /* the side that touches the closed page */
    bool is_byte;    /* HAKMEM_GUARD_ALIGN=1 */
    bool is_size;    /* HAKMEM_GUARD_ALIGN=size */
    int frames;      /* ONLY: innermost frames that are compared, 0 = all */
    uint64_t from;   /* ONLY: blocks of the stack before this one are left out, 0 = none */
    uint64_t size;   /* ONLY: blocks of other sizes are left out, 0 = none */
    bool is_watched; /* ONLY: debug registers stand at the bytes behind the blocks */
    uint64_t number; /* is_watched: of the block that comes first, 0 = not known */
};

/* The result of a run. */
struct hunt_run {
    struct hunt_plan plan;
    int run_status;     /* of `run`: enum view_status or the program's */
    int program_status; /* the program's own, or 128 + its signal */
    int program_signal; /* that one, 0 = it exited */
    bool timed_out;
    bool is_recorded;       /* there is a store */
    char *unwatched;        /* why no debug register watched, or NULL; moves on to struct hunt */
    uint64_t guarded, left; /* blocks guarded, and those for which there was no room */
    uint32_t left_ended, left_running; /* processes that PROGRAM left behind: were ended, go on */
    char left_names[sizeof((struct record_left *)0)->names];
    struct hunt_fault fault;
    bool counts;    /* what it found is what is hunted */
    bool is_better; /* it is what is named from now on */
};

/* All that is known. */
struct hunt {
    struct view *view;
    uint64_t runs_max, timeout_s;
    int runs;
    int seen;                 /* runs with a fault */
    int crashed;              /* runs that crashed at the best one's place, while that is a crash */
    bool owes_line;           /* the program's output may end in an unfinished line */
    struct hunt_fault target; /* the fault that is hunted; sight NOTHING = none is known yet */
    bool is_given;            /* it was asked for by its number (--fault N) */
    struct hunt_fault given;  /* that one, where the capture is of another build; else nothing */
    json_t *wanted;           /* its allocation's frames, until they are looked for; else NULL */
    char *symptom;            /* the headline of the first one that was seen, or NULL */
    struct hunt_fault best;   /* and what the best one found, in the store at `store` */
    struct hunt_plan best_plan;
    int best_run;     /* number, 0 = none of them */
    bool is_named;    /* that run's: nothing more is to be found out of it */
    bool has_all;     /* a run had all blocks guarded */
    int tried;        /* plans that were tried since the target is what it is */
    bool is_repeated; /* and are tried again */
    char *earlier;    /* stacks at which runs found it before, as sections for only:, or NULL */
    int earlier_count;
    uint64_t from, size;    /* what blocks of the stack are narrowed to, 0 = all */
    bool bears_byte;        /* no run at odd addresses has crashed */
    bool needs_16;          /* one with the alignment of the sizes has, and none before it */
    char *unwatched;        /* why no debug register watches, or NULL */
    const char *best_store; /* `store`, or the capture that was given */
    char store[HUNT_PATH];  /* every run's, and that of the best one at the end */
    char aside[HUNT_PATH];  /* where the best one waits while another run writes there */
    char site[HUNT_PATH];   /* the file for only: */
    int program_status;     /* of the last run */
    json_t *list;           /* what --json says of the runs */
};

/* plan.c: how the next run is made; false: no plan is left that could say more. */
bool hunt_plan_next(struct hunt *hunt, struct hunt_plan *plan);
/* Takes the result of the last run in: does it count, and is it the best one? True: there is
 * nothing more to find out. */
bool hunt_plan_learn(struct hunt *hunt, struct hunt_run *run);
/* Is `fault` to be named, and not `best`? Of two at different stacks the earlier one; of one stack,
 * and where that is not known, the one with more evidence. */
bool hunt_comes_before(const struct hunt_fault *fault, const struct hunt_fault *best);
/* The runs that showed what is named at the end. */
static inline int hunt_seen(const struct hunt *hunt) {
    return hunt->best.sight == HUNT_CRASH ? hunt->crashed : hunt->seen;
}
/* Is nothing more to be found out of it? */
bool hunt_is_settled(const struct hunt_fault *fault);
/* Is its writer unknown: the damage was found late, or by a read that follows from it? */
static inline bool hunt_is_of_damage(const struct hunt_fault *fault) {
    return fault->sight == HUNT_DAMAGE || fault->sight == HUNT_SYMPTOM;
}
/* Does a closed page not show the damage, since it lies in front of it, in the bytes from the
 * block's end up to the next multiple of 16? */
bool hunt_is_in_slack(const struct hunt_fault *fault);

/* build.c: looks whether the capture that is open in `seen`, whose fault is the target, is of
 * another build of PROGRAM; then nothing is known of the target until hunt_find_build has looked
 * for its stack in the first run. False: out of memory (printed). */
bool hunt_note_build(struct hunt *hunt, const struct view *seen);
/* Looks for it in the first run, which is open in `seen` and found `fault`: one of a block is
 * hunted as it is. */
void hunt_find_build(struct hunt *hunt, struct view *seen, const struct hunt_fault *fault);

/* attempt.c: one run, into the store hunt->store. False: `run` could not start the program
 * (printed), and no other run can. */
bool hunt_attempt(struct hunt *hunt, const struct hunt_plan *plan, struct hunt_run *run);
/* The signal that ends the hunt, 0 = none came. */
int hunt_stop_signal(void);
void hunt_take_signals(void);

/* result.c: reads the fault of the store at `path` that counts: `wanted` = 0: the one that comes
 * before the others, else that row. 0, or an exit status (printed). */
int hunt_read_fault(struct view *view, const char *path, uint32_t wanted, struct hunt_fault *out);
/* How many blocks were guarded there, and how many had no room. */
void hunt_read_counts(struct view *view, uint64_t *guarded, uint64_t *left);
/* Finds the numbers of the fault's block among those of its stack, and of its size. */
void hunt_count_blocks(struct view *view, struct hunt_fault *fault);
void hunt_forget_fault(struct hunt_fault *fault);
bool hunt_copy_fault(struct hunt_fault *to, const struct hunt_fault *from);

/* site.c: the frames of an allocation as lines of the file, innermost first; NULL = no memory. */
char *hunt_site_of(struct view *view, const json_t *frames);
/* How many frames those are. */
int hunt_site_frames(const char *site);
/* `sites`, sections of the file or NULL, with one more behind them, of the frames `site`; NULL =
 * no memory. */
char *hunt_add_site(const char *sites, const char *site);
/* Writes the file. False: printed. */
bool hunt_write_site(const struct hunt *hunt, const struct hunt_plan *plan);

/* input.c: the standard input of the runs. */
bool hunt_input_start(void);
/* The descriptor for the next run, from the first byte on; -1 = this process's own. */
int hunt_input_begin(void);
void hunt_input_end(void);

/* words.c */
void hunt_say_run(struct hunt *hunt, const struct hunt_run *run);
void hunt_say_end(struct hunt *hunt);
void hunt_add_run_json(struct hunt *hunt, const struct hunt_run *run);
bool hunt_print_json(struct hunt *hunt, int status);
/* Appends "every block guarded, its end at a closed page". */
void hunt_add_plan(struct hak_text *text, const struct hunt_plan *plan);

#endif

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
    const char *guard; /* HAKMEM_GUARD; NULL = as level normal has it */
    bool checks_strings;
    const char *inject; /* HAKMEM_INJECT; NULL = no fault of hakmem's own */
};

/* The fault that is to be seen again. */
struct wanted {
    unsigned code; /* of HKM-n */
    char hop[32];  /* the kind of place, as the SUMMARY line has it */
    bool is_user;  /* of the layers: the user pointer is where the base was due */
};

/* Said of a fault of the layers that nothing else gives. */
#define REDUCE_INJECTED "HAKMEM_INJECT puts this fault in: the calls alone do not give it."

struct reduction {
    struct view *view;
    struct wanted wanted;
    struct setting setting;
    struct sequence best;
    uint64_t event;   /* of the fault, 0 = none */
    uint32_t process; /* row */
    bool may_inject;  /* the calls alone do not give it */
    json_t *document; /* of the fault */
    char player[PATH_MAX], library[PATH_MAX];
    uint64_t timeout_ms;
    int attempts;
    double seconds;
};

/* sequence.c */
bool sequence_add(struct sequence *sequence, const struct step *step);
/* Takes the place of `to`. False: no memory. */
bool sequence_copy(struct sequence *to, const struct sequence *from);
void sequence_free(struct sequence *sequence);
const char *sequence_word(enum sequence_verb verb);
/* Appends a line of it, without its end. */
void sequence_add_step(struct hak_text *text, const struct step *step);
/* Appends the text that hakmem-player reads. */
void sequence_add_text(struct hak_text *text, const struct sequence *sequence);

/* fault.c: reads fault `row` of the open capture. 0, or an exit status (printed). */
int fault_read(struct reduction *r, uint32_t row);
/* Adds the calls of the fault's block alone. */
bool fault_add_block(const struct reduction *r, struct sequence *out);
/* Adds the faulty steps, on block `block`. */
bool fault_add_steps(const struct reduction *r, struct sequence *out, uint32_t block);
/* Adds `alone`, and live blocks like its first one before and behind that one: a freed block on a
 * page of its own is closed, and then a write faults. */
bool fault_add_beside(const struct sequence *alone, struct sequence *out);
/* The report says that a function found it. */
bool fault_needs_strings(const struct reduction *r);

/* fault.c: the verb of an allocation by its call (hops.def, TAKEN), and what the address of one by
 * an aligned call shows of the alignment: 4,096 at most. */
enum sequence_verb verb_of_birth(unsigned subkind);
bool verb_is_aligned(enum sequence_verb verb);
int64_t alignment_of(uint64_t address);

/* log.c: adds the calls of the fault's process up to it, the newest ones where there are too many,
 * and tells the number of the fault's block; 0 = it has none. 0, or an exit status (printed). */
int log_add(const struct reduction *r, struct sequence *out, uint32_t *block);

/* attempt.c: makes the sequence. 2: the same code at the same kind of place, 1: the code alone, 0:
 * neither, below 0: it cannot be made (printed). */
int attempt(struct reduction *r, const struct sequence *sequence, const struct setting *setting);

/* shrink.c: takes steps out of r->best as long as the fault stays. 0, or an exit status. */
int shrink(struct reduction *r);

/* program.c: appends r->best as a C program. */
void program_add(struct hak_text *text, const struct reduction *r);
/* Appends "HAKMEM_GUARD=all " and so on. */
void setting_add(struct hak_text *text, const struct setting *setting);

#endif

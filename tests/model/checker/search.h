/* State that the search keeps for itself: not part of any state. */
#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

#include "engine.h"

enum { WORDS = 4096, NAMES_MAX = 64, CHOICES = 2 * THREADS_MAX };

/* A step that was made, for the report. Choice 0..2: a thread goes on; 3..5: its oldest store
 * reaches memory. */
struct label {
    unsigned choice;
    struct op op;
    uint64_t value; /* of the word, behind the step */
};

struct node {
    struct snapshot *snapshot;
    struct hash hash;
    unsigned enabled; /* bit for each choice */
    unsigned tried;   /* choices */
    unsigned thread;  /* chosen last: tried first, so that errors come with few switches */
    double schedules;
    struct label label; /* the way out that is being gone */
};

struct seen {
    struct hash hash;
    double schedules; /* from here to an end; below 0: on the way that is being gone */
};

/* An atomic variable. */
struct word {
    const void *address;
    uint8_t threads; /* bit for each that touched it */
    bool is_written, is_shared;
};

struct search {
    struct word words[WORDS];
    bool is_void; /* a word was taken for nobody else's and is shared: begin again */
    struct seen *table;
    size_t capacity, count;
    struct node *nodes;
    unsigned depth;
    bool is_in_place; /* the memory is that of the top node */
    struct {
        const void *address;
        const char *name;
    } names[NAMES_MAX];
};

static inline struct search *search(void) {
    return model->search;
}

/* step.c */
void step_prepare(unsigned thread);
void step_put_in_place(unsigned thread);
bool step_is_enabled(unsigned choice);
struct label step_carry_out(unsigned choice);
bool step_all_done(void);

#endif

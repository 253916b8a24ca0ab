/* Allocators, and a run of hakmem-player for each. */
#ifndef HAK_VIEWER_REPLAY_RUNS_H
#define HAK_VIEWER_REPLAY_RUNS_H

#include <limits.h>
#include "viewer/replay/plan.h"

enum { ALLOCATORS_MAX = 16 };

struct allocator {
    char name[64];
    char preload[PATH_MAX]; /* for LD_PRELOAD; "" = the C library's own */
    const char *module;     /* how the file's name begins that malloc lies in then; NULL = any */
    const char *package;    /* what has it; NULL = not known */
};

/* A play against one allocator. */
struct run {
    struct allocator allocator;
    struct play_result *result; /* NULL: there was none */
    char trouble[400];          /* why there is no result; "" = there is one */
    bool has_hung;              /* and was ended */
    bool has_died;              /* the trouble is its own: it is there, and was played */
};

struct runs {
    struct view *view;
    const struct plan *plan;
    enum play_touch touch;
    bool is_paced;
    bool has_picture; /* of --html, and it is written */
    struct run own;   /* without a call: what the player needs itself */
    struct run run[ALLOCATORS_MAX];
    int count;
};

/* Reads --against into the runs. False: the error is printed. */
bool allocators_read(struct runs *runs);

/* Plays once without calls, and then against each allocator. A reason why one of them cannot
 * be played is printed, and the others go on. 0, or an exit status: the error is printed. */
int runs_make(struct runs *runs);
void runs_free(struct runs *runs);

/* VIEW_INCOMPLETE when the player died under an allocator that is there, else 0. */
int runs_completeness(const struct runs *runs);

/* answer.c: prints tables or the document. */
int replay_print(struct runs *runs);

#endif

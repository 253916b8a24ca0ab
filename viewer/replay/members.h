/* The threads of the process while the log is read: the words of each, its epoch, its time, its
 * start and its end. The calls of all threads so far say in which epoch the log is.
 *
 * A thread is open until it is closed: some time after its end in the log, since destructors may
 * still free. One is open at any time, which can start others. */
#ifndef HAK_VIEWER_REPLAY_MEMBERS_H
#define HAK_VIEWER_REPLAY_MEMBERS_H

#include "store/database.h"
#include "viewer/replay/blocks.h"
#include "viewer/replay/streams.h"

enum {
    MEMBER_SPARES = 32, /* slots that a thread keeps for itself */
    MEMBER_WAITED = 8,  /* threads that a thread remembers to have waited for */
};

/* A thread of the process. */
struct member {
    struct stream stream;
    struct replay_block moving; /* a realloc has ended its life, and gives it back */
    uint64_t moved_from;        /* a realloc has moved it: its end is still to come */
    uint64_t timed_ns;
    uint32_t epoch; /* of its last operation; UINT32_MAX = none */
    uint32_t calls; /* modulo 2^32 */
    uint32_t ended_in;
    uint64_t given_back; /* a realloc to 0 bytes has freed it, and may still hand out a block */
    bool is_ended, is_closed;
    uint8_t spares;
    uint32_t spare[MEMBER_SPARES];
    struct {
        uint32_t thread, calls;
    } waited[MEMBER_WAITED];
};

struct members {
    struct streams *streams;          /* where the words go */
    struct replay_blocks *blocks;     /* where spare slots go back */
    const struct hak_database *store; /* says who created a thread */
    uint32_t process;                 /* row id */
    uint64_t first_ns;                /* of the first event */
    uint64_t entered_ns;              /* of the last operation, since then */
    uint64_t calls;                   /* of all */
    struct member **member;           /* by number: 0 is the main thread */
    uint32_t count, room;
    uint32_t *of_row; /* thread's row -> number + 1 */
    uint32_t row_room;
    uint32_t *epoch; /* threads in each */
    uint32_t epochs, epoch_room;
    uint32_t *ending; /* those that have ended and are not closed, a queue: the oldest first */
    uint32_t ending_first, endings, ending_room;
    uint32_t open;            /* those that are not closed: one at least */
    uint32_t stand_in;        /* the one that does what closed ones are to do */
    uint32_t epoch_looked_at; /* for threads that ended some time ago */
    bool has_no_memory;
};

/* The epoch of the log in which the next call is. */
uint32_t members_epoch(const struct members *members);
/* Adds the main thread, whether it calls anything or not. False: no memory. */
bool members_add_main(struct members *members);
/* The number of the thread with this row. One that is seen for the first time is started by its
 * creator. UINT32_MAX: no memory. */
uint32_t members_find(struct members *members, uint32_t row, uint64_t ns);
/* A thread that can still do something: the main thread; when that is closed the last one that was
 * started then, and so on. */
uint32_t members_open(struct members *members);

void members_add_word(struct members *members, struct member *member, uint64_t word);
/* Begins an operation of a thread: its epoch, and the time. */
void members_enter(struct members *members, struct member *member, uint64_t ns);
/* A slot for a block of this thread. UINT32_MAX: all are taken. */
uint32_t members_take_slot(struct members *members, struct member *member);
/* Gives the slot of a block back that this thread frees. */
void members_give_slot(struct members *members, struct member *member, uint32_t slot);

/* The thread has ended in the log. */
void members_end(struct members *members, uint32_t number);
/* True once in each epoch of the log. */
bool members_begin_epoch(struct members *members);
/* Takes a thread that had ended some time before that, and is to be closed. The last one that is
 * open stays so, since it may have to start another. False: there is none. */
bool members_take_ended(struct members *members, uint32_t *number);
/* Ends a thread's words. */
void members_close(struct members *members, uint32_t number);
void members_free(struct members *members);

#endif

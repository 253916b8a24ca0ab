/* Small questions to a store that reports and the viewer ask again and again: names of threads,
 * frames of stacks. Answers are copies and stay valid. For one thread. */
#ifndef HAK_REPORT_WORDS_LOOKUP_H
#define HAK_REPORT_WORDS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include "store/reader/reader.h"

/* A stack's frames with strings of their own, innermost first. */
struct hak_frames {
    struct hak_frame *frame;
    int count;
    char *strings;
};
/* Copies `count` frames (NULL strings become ""). 0, or -1 when memory ran out. */
int hak_frames_copy(struct hak_frames *out, const struct hak_frame *frames, int count);
/* Frames of stack `stack` of the store; none for stack 0 or r NULL. 0, or a negative error. */
int hak_frames_load(struct hak_frames *out, struct hak_store_reader *r, uint32_t stack);
/* Loads only as many of a stack's innermost frames as it takes to have one of the program's with a
 * file. Returns as hak_frames_load. */
int hak_frames_load_top(struct hak_frames *out, struct hak_store_reader *r, uint32_t stack);
void hak_frames_free(struct hak_frames *frames);

/* A thread for people. */
struct hak_thread_words {
    uint32_t number; /* in its process, from 1; 0 = not known */
    uint32_t process;
    int32_t tid;
    char name[64];
};
/* Reads a thread by row id; false (and zeroes) when the store has no such thread. */
bool hak_lookup_thread(struct hak_store_reader *r, uint32_t row, struct hak_thread_words *out);

/* Finds the row id of thread `number` of the process with row id `process`; 0 = the store has
 * none. */
uint32_t hak_lookup_thread_row(struct hak_store_reader *r, uint32_t process, uint32_t number);

/* Where a thread was created. */
struct hak_thread_origin_row {
    uint32_t creator;     /* number of the thread that created it, 0 = not known */
    uint32_t creator_row; /* its row id, 0 = it has none */
    uint32_t stack;       /* at which, 0 = not known */
};
/* Reads who created a thread, by row id; false where nothing is known: of main threads and of
 * threads made by clone. */
bool hak_lookup_thread_origin(struct hak_store_reader *r, uint32_t row,
                              struct hak_thread_origin_row *out);

/* Process id of the process with this row id, 0 = not known. */
int hak_lookup_pid(struct hak_store_reader *r, uint32_t row);

/* `2 "worker"`, `2`, or `?`; in the buffers of words.h. The same by number and name. */
const char *hak_words_named_thread(uint32_t number, const char *name);
const char *hak_words_thread(const struct hak_thread_words *thread);

/* A fault of the store. `event` 0 = no fault with this row id. */
struct hak_fault_words_row {
    uint32_t id, code, process, thread;
    uint64_t event, ns;
    bool is_access; /* found at the access itself, which the report names */
};

/* Looks up the fault's row in the store. False: there is none, or no store; `out` is then all 0. */
bool hak_lookup_fault(struct hak_store_reader *r, uint32_t row, struct hak_fault_words_row *out);

#endif

/* hakmem-record.so: the malloc family in front of the allocator that the program has (`run
 * --allocator keep`, docs/specs/keep.md). It records what the program takes and gives back, by the
 * recorder of hakmem-debug.so, and holds no allocator of its own.
 *
 *   program --> family.c, ../operators.c --> record.c --> trace: one MALLOC, REALLOC, FREE, ...
 *                        |                      |
 *                        |                   blocks.h: what is known of the block at an address
 *                        v
 *               next.c: malloc of jemalloc, tcmalloc, mimalloc, ... or glibc
 *
 *   start.c   first call, constructor, end of a thread, fork
 *
 * A block is recorded while the calling thread has it: MALLOC after the allocator gave it, FREE
 * and REALLOC_FROM before the allocator gets it back. So the records of an address are in the order
 * in which they happened, whichever threads make them (docs/specs/event-log.md, Order).
 *
 * Thread and signal safety: as the allocator's own; the record takes no lock and keeps errno. */
#ifndef HAK_ENTRY_KEEP_H
#define HAK_ENTRY_KEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "border.h"

/* The functions that the program's calls would come to without hakmem. */
struct hak_keep_next {
    void *(*malloc)(size_t bytes);
    void (*free)(void *pointer);
    void *(*calloc)(size_t count, size_t bytes);
    void *(*realloc)(void *pointer, size_t bytes);
    void *(*memalign)(size_t alignment, size_t bytes);
    void *(*aligned_alloc)(size_t alignment, size_t bytes);
    int (*posix_memalign)(void **result, size_t alignment, size_t bytes);
    void *(*valloc)(size_t bytes);
    void *(*pvalloc)(size_t bytes);
    size_t (*malloc_usable_size)(void *pointer);
    char *(*strdup)(const char *text);
    char *(*strndup)(const char *text, size_t most_bytes);
    struct { /* __libc_malloc and its like */
        void *(*malloc)(size_t bytes);
        void (*free)(void *pointer);
        void *(*calloc)(size_t count, size_t bytes);
        void *(*realloc)(void *pointer, size_t bytes);
        void *(*memalign)(size_t alignment, size_t bytes);
        void *(*valloc)(size_t bytes);
        void *(*pvalloc)(size_t bytes);
    } libc;
    const char *module; /* whose malloc it is, as ld.so has its path */
    bool is_glibc;      /* all of them are: there is no way to a block past the family */
    bool has_sizes;     /* malloc_usable_size is of malloc's module, and knows its blocks */
    bool tells_sizes;   /* and it was called before: it needs no malloc any more */
    bool copies;        /* strdup and strndup are not libc's: their blocks come past the family */
};
/* All there once hak_keep_begin has returned true. */
HAK_HIDDEN extern struct hak_keep_next hak_keep_next;
HAK_HIDDEN bool hak_keep_find_next(void);
/* Finds the code of its malloc, if that is not libc: mappings made from there are for its blocks.
 * While there is one thread. */
HAK_HIDDEN void hak_keep_find_text(void);
/* Calls malloc_usable_size for the first time, where it knows the blocks: tcmalloc's makes an
 * object by operator new then. */
HAK_HIDDEN void hak_keep_ask_first_size(void);

/* start.c: prepares what the first call of the process, and of a thread, finds missing. False: this
 * is a call of ld.so's within its own search for those functions, and there is no memory for it. */
HAK_HIDDEN bool hak_keep_begin_slowly(void);
HAK_HIDDEN extern _Thread_local bool hak_keep_has_begun __attribute__((tls_model("initial-exec")));
static inline bool hak_keep_begin(void) {
    return HAK_LIKELY(hak_keep_has_begun) || hak_keep_begin_slowly();
}

/* `hakmem-trace ctl` asks for something: before the call is recorded. */
HAK_HIDDEN void hak_keep_answer(void);
HAK_HIDDEN extern _Atomic uint8_t hak_keep_bell;
static inline void hak_keep_answer_if_asked(void) {
    if (HAK_UNLIKELY(atomic_load_explicit(&hak_keep_bell, memory_order_relaxed) != 0))
        hak_keep_answer();
}

/* Records the block that the allocator handed out at `user`; NULL is counted as a failed call. A
 * block that was known there is recorded as given back unseen. Returns `user`. `how` has bytes,
 * call and by what; a call by realloc also says which block it came of. */
HAK_HIDDEN void *hak_keep_taken(void *user, const struct hak_hand_out *how);

/* Records that the program gives the block back, before the allocator gets it. `kind` is FREE, by
 * hak_free_by, or REALLOC_FROM. `*bytes` is what was asked for it. False: no block of the program's
 * is known there, NULL, or nothing is recorded. */
HAK_HIDDEN bool hak_keep_given(void *pointer, enum hak_record_kind kind, hak_call_t call,
                               size_t *bytes);

/* For operator new and delete: a block of the allocator's malloc or memalign. */
HAK_HIDDEN void *hak_keep_allocate(const struct hak_hand_out *how);
HAK_HIDDEN void hak_keep_free(void *pointer, enum hak_given by, hak_call_t call);

#endif

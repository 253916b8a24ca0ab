/* Types of the marker of live blocks (marker.h). */
#ifndef HAK_MARKING_H
#define HAK_MARKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The verdict on a block; two bits. */
enum hak_mark {
    HAK_MARK_UNSEEN = 0,
    HAK_MARK_REACHED = 1,  /* a root leads to it */
    HAK_MARK_INDIRECT = 2, /* only lost blocks lead to it */
    HAK_MARK_DIRECT = 3,   /* nothing does, or it stands for a circle of lost blocks */
};

/* glibc's struct pthread, at the end of a thread's stack, begins with a tcbhead_t of words (x86-64,
 * unchanged since 2.4): the thread pointer points to it, and the two guards are the same in all
 * threads. */
enum {
    HAK_TCB_SELF = 0,
    HAK_TCB_DTV = 1,
    HAK_TCB_SELF_AGAIN = 2,
    HAK_TCB_STACK_GUARD = 5,
    HAK_TCB_POINTER_GUARD = 6,
    HAK_TCB_WORDS = 7,
    HAK_PTHREAD_BYTES = 2304,
};

struct hak_mark_range {
    uint64_t start, end;
};

struct hak_marking {
    enum hak_mark found_as; /* the mark for blocks that are found */
    uint64_t low, span;     /* words outside lead to no block */
    bool is_aligned;        /* bytes of blocks begin at multiples of 16 */
    uint64_t *work, *heads; /* numbers of blocks; `capacity`: as many as there are blocks */
    size_t work_count, head_count, capacity;
    struct hak_mark_range *left_out; /* of the roots; the first `sorted_count` by address, apart */
    size_t left_out_count, sorted_count, next;
    uint64_t missing_bytes;   /* of roots, that could not be read */
    bool are_stacks_left_out; /* those of ended threads */
    bool is_partial;          /* there were more blocks than `capacity` */
};

#endif

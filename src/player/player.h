/* hakmem-player: makes the calls of a play file, and measures them. It needs libc alone, and calls
 * the malloc family by its names, so the library of LD_PRELOAD serves it.
 *
 *   main.c    maps play and results, starts thread 0's words and the look-out, writes the results
 *   thread.c  the words of a thread: calls, times, starts and ends
 *   order.c   waits for other threads and for epochs
 *   memory.c  RssAnon while it plays
 *
 * All memory of its own is shared (the play file, the results, slots): the kernel counts that apart
 * from RssAnon, so the figures have what the allocator took, and stacks of threads. Its own calls
 * of libc take no memory between start and end of a play, but for the threads' of pthread_create.
 */
#ifndef HAK_PLAYER_PLAYER_H
#define HAK_PLAYER_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "player/play.h"

struct play_slot {
    void *pointer;
    uint64_t bytes;
};

/* The calls that a thread has done, on a line of its own: others read it. */
struct play_progress {
    _Alignas(64) uint32_t calls; /* modulo 2^32 */
    /* Threads that sleep until `calls` reaches some number, the least of which is `wanted`; `turn`
     * counts up when it does. */
    uint32_t waiters, wanted, turn;
    uint64_t all_calls, live_blocks, failed, damaged, call_ticks, most_ticks;
    int64_t live_bytes;
    uint64_t times[PLAY_TIMES];
};

struct play_family {
    void *(*malloc)(size_t bytes);
    void *(*calloc)(size_t count, size_t bytes);
    int (*posix_memalign)(void **out, size_t alignment, size_t bytes);
    void *(*realloc)(void *pointer, size_t bytes);
    void (*free)(void *pointer);
};

struct player {
    const struct play_head *head;
    const unsigned char *file; /* the head, then the blocks */
    const struct play_thread *thread;
    const uint8_t *alignment;
    uint32_t *epoch_left;  /* threads that have not ended this epoch */
    uint32_t *epoch_state; /* by epoch, of order.c */
    struct play_slot *slot;
    struct play_progress *progress; /* by thread */
    struct play_result *result;
    struct play_family family;
    enum play_touch touch;
    bool is_paced; /* at the recorded times */
    size_t file_bytes;
    size_t stack_bytes;   /* of each thread, with the variables of its own (TLS) */
    uint64_t begin_ns;    /* CLOCK_MONOTONIC */
    uint32_t epochs_done; /* all threads have done the epochs below it */
    uint32_t running;     /* threads that have words left */
    uint32_t is_over;
};

extern struct player player;

/* thread.c: does the words of thread `number` until its end. */
void player_do_thread(uint32_t number);
/* Starts a thread for the words of `number`, which nobody joins. One that cannot be started ends
 * the play with a reason. */
void player_start_thread(uint32_t number);

/* order.c. Waits until `thread` has done `calls` calls, modulo 2^32. */
void player_wait_for_calls(uint32_t thread, uint32_t calls);
/* Wakes those that wait for as many calls as the calling thread has done. */
void player_wake_waiters(struct play_progress *own);
/* The same for another thread, which publishes its calls without a fence and may have missed that
 * somebody began to wait. The thread that looks does this each millisecond. */
void player_wake_missed(struct play_progress *of);
/* Says that the calling thread has done epoch `done` (none: UINT32_MAX), and waits until it may
 * begin `next`. */
void player_enter_epoch(uint32_t done, uint32_t next);
/* Says that epoch `done` was the calling thread's last one. */
void player_leave_epoch(uint32_t done);
/* Waits until `*word` is not `value`, and wakes those that do. */
void player_sleep_while(const uint32_t *word, uint32_t value);
void player_wake(const uint32_t *word);

/* memory.c: reads RssAnon now, in bytes. */
uint64_t player_anonymous_bytes(void);
/* Looks at the memory now: whether it is the peak. */
void player_look(void);
/* Notes the step of `units`. */
void player_take_step(uint64_t units);
/* Looks at the memory from now on until the play is over: a thread of its own. False: none was
 * made.
 */
bool player_start_looking(void);
/* Ends that, and gives the ns of CPU that it took. */
uint64_t player_end_looking(void);
uint64_t player_now_ns(int clock);

/* main.c: ends the play early, with the reason in the results. */
void player_fail(const char *what, int error) __attribute__((noreturn));

/* sequence.c: makes the sequence on standard input. Returns an exit status; 3: it is none. */
int player_make_sequence(void);

#endif

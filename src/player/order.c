/* Waits: for a call of another thread, for an epoch. Each wait is for an operation that is
 * earlier in the log, so the earliest one that is not done yet waits for nobody, and no wait is
 * endless. */
#include "player/player.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "arch.h"

enum { SPINS = 200 };

/* An epoch: whether all threads have done it and those before it, and whether somebody sleeps until
 * then. */
enum { EPOCH_OPEN, EPOCH_AWAITED, EPOCH_DONE };

void player_sleep_while(const uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void player_wake(const uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static bool has_reached(const uint32_t *word, uint32_t least) {
    return (int32_t)(__atomic_load_n(word, __ATOMIC_ACQUIRE) - least) >= 0;
}

/* Looks a few times whether `*word` has come to `least`, modulo 2^32. */
static bool is_soon(const uint32_t *word, uint32_t least) {
    for (unsigned i = 0; i < SPINS; i++) {
        if (has_reached(word, least))
            return true;
        hak_spin_hint();
    }
    return false;
}

void player_wait_for_calls(uint32_t thread, uint32_t calls) {
    struct play_progress *p = &player.progress[thread];
    if (is_soon(&p->calls, calls))
        return;
    __atomic_fetch_add(&p->waiters, 1, __ATOMIC_SEQ_CST);
    while (!has_reached(&p->calls, calls)) {
        uint32_t turn = __atomic_load_n(&p->turn, __ATOMIC_SEQ_CST);
        uint32_t wanted = __atomic_load_n(&p->wanted, __ATOMIC_SEQ_CST);
        /* A number that was reached is nobody's any more. */
        while (((int32_t)(calls - wanted) < 0 || has_reached(&p->calls, wanted)) &&
               !__atomic_compare_exchange_n(&p->wanted, &wanted, calls, false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_SEQ_CST))
            ;
        if (!has_reached(&p->calls, calls))
            player_sleep_while(&p->turn, turn);
    }
    __atomic_fetch_sub(&p->waiters, 1, __ATOMIC_RELAXED);
}

void player_wake_waiters(struct play_progress *own) {
    if ((int32_t)(own->calls - __atomic_load_n(&own->wanted, __ATOMIC_RELAXED)) < 0)
        return;
    __atomic_fetch_add(&own->turn, 1, __ATOMIC_SEQ_CST);
    player_wake(&own->turn);
}

void player_wake_missed(struct play_progress *of) {
    if (!__atomic_load_n(&of->waiters, __ATOMIC_SEQ_CST) ||
        !has_reached(&of->calls, __atomic_load_n(&of->wanted, __ATOMIC_SEQ_CST)))
        return;
    __atomic_fetch_add(&of->turn, 1, __ATOMIC_SEQ_CST);
    player_wake(&of->turn);
}

/* Wakes those that wait for an epoch, and no others. */
static void end_epoch(uint32_t epoch) {
    uint32_t *state = &player.epoch_state[epoch];
    if (__atomic_exchange_n(state, EPOCH_DONE, __ATOMIC_SEQ_CST) == EPOCH_AWAITED)
        player_wake(state);
}

void player_leave_epoch(uint32_t done) {
    if (__atomic_sub_fetch(&player.epoch_left[done], 1, __ATOMIC_SEQ_CST) != 0)
        return;
    uint32_t from = __atomic_load_n(&player.epochs_done, __ATOMIC_SEQ_CST);
    while (from < player.head->epochs &&
           __atomic_load_n(&player.epoch_left[from], __ATOMIC_SEQ_CST) == 0) {
        if (__atomic_compare_exchange_n(&player.epochs_done, &from, from + 1, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            end_epoch(from++);
    }
}

void player_enter_epoch(uint32_t done, uint32_t next) {
    if (done != UINT32_MAX)
        player_leave_epoch(done);
    if (next < 2 || is_soon(&player.epochs_done, next - 1))
        return;
    uint32_t *state = &player.epoch_state[next - 2], found = EPOCH_OPEN;
    __atomic_compare_exchange_n(state, &found, EPOCH_AWAITED, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    while (__atomic_load_n(state, __ATOMIC_SEQ_CST) != EPOCH_DONE)
        player_sleep_while(state, EPOCH_AWAITED);
}

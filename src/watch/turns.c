/* Steers the moves of the registers: their cost stays below one percent of the time that passes,
 * and each register has its own patience.
 *
 *   register 0   moves on after  0.2 ms    many blocks, each for a moment
 *            1                   1.6 ms
 *            2                    13 ms
 *            3                   0.1 s     few blocks, whose damage comes late
 *
 * A block whose life ends gives its register back at once. Times are those of a clock rate of 2.6
 * GHz: ticks are not converted. */
#include "watch/watch.h"

enum {
    SHARE = 100,            /* one tick in so many may be spent */
    CREDIT_TICKS = 5 << 20, /* at the start, and saved up at most: 2 ms */
    MOST_TICKS = 1 << 21,   /* that a move takes: what is more, the thread has not had */
    FIRST_HOLD_TICKS = 1 << 19,
    NEXT_HOLD_SHIFT = 3,
};

bool hak_watch_may_move(struct hak_watch_turns *turns, uint64_t now) {
    if (turns->start_ticks == 0 || now < turns->start_ticks) {
        turns->start_ticks = now;
        turns->spent_ticks = 0;
    }
    uint64_t earned = (now - turns->start_ticks) / SHARE;
    if (turns->spent_ticks < earned) /* what was not spent is saved up as far as CREDIT_TICKS */
        turns->spent_ticks = earned;
    return turns->spent_ticks < earned + CREDIT_TICKS;
}

void hak_watch_spend(struct hak_watch_turns *turns, uint64_t ticks) {
    turns->spent_ticks += ticks < MOST_TICKS ? ticks : MOST_TICKS;
}

int hak_watch_choose(const struct hak_watch_turns *turns, unsigned count, uint64_t now,
                     bool is_urgent) {
    int oldest = -1, free = -1;
    for (int i = 0; i < (int)count; i++) {
        if (turns->set[i] == 0)
            return i;
        if (now >= turns->free[i] && (free < 0 || turns->free[i] < turns->free[free]))
            free = i;
        if (oldest < 0 || turns->set[i] < turns->set[oldest])
            oldest = i;
    }
    return free >= 0 ? free : is_urgent ? oldest : -1;
}

void hak_watch_note_set(struct hak_watch_turns *turns, unsigned index, unsigned count,
                        uint64_t now) {
    unsigned steps = count == 1 ? 1 : index; /* a single register is neither hasty nor slow */
    turns->set[index] = now | 1;
    turns->free[index] = now + ((uint64_t)FIRST_HOLD_TICKS << NEXT_HOLD_SHIFT * steps);
}

void hak_watch_note_clear(struct hak_watch_turns *turns, unsigned index) {
    turns->set[index] = 0;
}

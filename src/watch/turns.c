/* Steers the moves of the registers: their cost stays below one percent of the time that passes,
 * and each register has its own patience.
 *
 * A move costs the CPU time of the thread that makes it. If it is preempted in between, it loses
 * nothing by the move. A tracer's move costs more than CPU time: on a busy machine threads stand
 * for many turns of the scheduler until the tracer had its own. So all of the time that it takes is
 * charged, but for the first moves: of these what runs for them, so that a machine which is busy
 * when a program starts does not leave it without a register.
 *
 *   register 0   moves on after  0.2 ms    many blocks, each for a moment
 *            1                   1.6 ms
 *            2                    13 ms
 *            3                   0.1 s     few blocks, whose damage comes late
 *
 * Where only blocks of stacks that a file names are watched (HAKMEM_GUARD=only:), moves may take
 * half of the time.
 *
 * At the newest guarded blocks of level normal there is no patience: the slack behind a block of an
 * odd size hides an overflow from its closed page, so a register there stays until a block as odd
 * comes, and the others go to the front of whichever is the newest.
 *
 * A block whose life ends gives its register back at once. Times are those of a clock rate of 2.6
 * GHz: ticks are not converted. */
#include "platform/platform.h"
#include "watch/watch.h"

enum { FIRST_HOLD_TICKS = 1 << 19, NEXT_HOLD_SHIFT = 3 };

/* Of moves that are one system call: 2 ms at the start. */
static const struct hak_credit_terms quick_terms = {
    .most = 5 << 20, .dearest = 1 << 21, .share = 100};
/* Of those that stop threads, which take as long as the threads let them: 20 ms. */
static const struct hak_credit_terms slow_terms = {
    .most = 50 << 20, .dearest = 1 << 27, .share = 100};
/* Of the first ones, what runs for them: 10 ms, once. */
static const struct hak_credit_terms first_terms = {
    .most = 25 << 20, .dearest = 1 << 27, .share = 1};

/* If only suspected blocks are watched, somebody waits for the answer. */
static const struct hak_credit_terms suspect_terms = {
    .most = (int64_t)1 << 32, .dearest = 1 << 27, .share = 2};

/* The terms of the budget: for suspects, for the slow tracer, or for quick registers. */
static const struct hak_credit_terms *terms_of(const struct hak_watch_turns *turns) {
    if (turns->is_for_suspects)
        return &suspect_terms;
    return turns->is_slow ? &slow_terms : &quick_terms;
}

bool hak_watch_may_move(struct hak_watch_turns *turns, uint64_t now) {
    const struct hak_credit_terms *terms = terms_of(turns);
    if (turns->is_brief)
        return true;
    if (turns->earned_at == 0) {
        turns->earned_at = now;
        atomic_store(&turns->credit.left, terms->most);
        atomic_store(&turns->first.left, turns->is_slow ? first_terms.most : 0);
    }
    if (now < turns->earned_at) /* another thread looked later */
        turns->earned_at = now;
    turns->earned_at += hak_credit_earn(&turns->credit, terms, now - turns->earned_at);
    return hak_credit_left(&turns->first) > 0 || hak_credit_left(&turns->credit) > 0;
}

bool hak_watch_may_join(struct hak_watch_turns *turns, uint64_t now) {
    return hak_watch_may_move(turns, now) ||
           hak_credit_left(&turns->credit) > -terms_of(turns)->most;
}

void hak_watch_begin(const struct hak_watch_turns *turns, struct hak_watch_move *move) {
    *move = (struct hak_watch_move){.from = hak_ticks(), .tracer_ns = hak_watch_tracer_ns()};
    if (!turns->is_brief)
        (void)hak_ran_ticks(&move->ran, CLOCK_THREAD_CPUTIME_ID);
}

void hak_watch_charge(struct hak_watch_turns *turns, struct hak_watch_move *move) {
    if (turns->is_brief)
        return;
    uint64_t ran = hak_ran_ticks(&move->ran, CLOCK_THREAD_CPUTIME_ID);
    uint64_t tracer_ns = hak_watch_tracer_ns() - move->tracer_ns;
    hak_watch_spend(turns, hak_ticks() - move->from, ran + hak_watch_ticks(tracer_ns));
}

void hak_watch_spend(struct hak_watch_turns *turns, uint64_t ticks, uint64_t ran) {
    if (hak_credit_left(&turns->first) > 0)
        hak_credit_charge(&turns->first, &first_terms, ran);
    else
        hak_credit_charge(&turns->credit, terms_of(turns), turns->is_slow ? ticks : ran);
}

int hak_watch_choose(const struct hak_watch_turns *turns, unsigned count, uint64_t now,
                     bool is_urgent) {
    int oldest = -1, free = -1;
    for (int i = 0; i < (int)count; i++) {
        if (turns->set[i] == 0)
            return i;
        if (now >= turns->free[i] && (free < 0 || turns->free[i] < turns->free[free]))
            free = i;
        if (!turns->is_first[i] && (oldest < 0 || turns->set[i] < turns->set[oldest]))
            oldest = i;
    }
    return free >= 0 ? free : is_urgent ? oldest : -1;
}

/* Whether register `i` is to be taken before register `other`. */
static bool is_taken_first(const struct hak_watch_turns *turns, unsigned i, unsigned other) {
    return turns->oddness[i] != turns->oddness[other] ? turns->oddness[i] < turns->oddness[other]
                                                      : turns->set[i] < turns->set[other];
}

int hak_watch_choose_newest(const struct hak_watch_turns *turns, unsigned count, unsigned oddness) {
    unsigned fronts = 0;
    int chosen = -1;
    for (unsigned i = 0; i < count; i++)
        fronts += turns->oddness[i] == 0;
    bool may_take_front = oddness == 0 || fronts > 1 || count == 1;
    for (unsigned i = 0; i < count; i++) {
        bool may_take = turns->oddness[i] == 0 ? may_take_front : turns->oddness[i] <= oddness;
        if (may_take && (chosen < 0 || is_taken_first(turns, i, (unsigned)chosen)))
            chosen = (int)i;
    }
    return chosen;
}

void hak_watch_note_set(struct hak_watch_turns *turns, unsigned index, unsigned count,
                        uint64_t now) {
    unsigned steps = count == 1 ? 1 : index; /* a single register is neither hasty nor slow */
    turns->set[index] = now | 1;
    turns->is_first[index] = false;
    turns->oddness[index] = 0;
    turns->free[index] = now + ((uint64_t)FIRST_HOLD_TICKS << NEXT_HOLD_SHIFT * steps);
}

void hak_watch_note_clear(struct hak_watch_turns *turns, unsigned index) {
    turns->set[index] = 0;
    turns->is_first[index] = false;
    turns->oddness[index] = 0;
}

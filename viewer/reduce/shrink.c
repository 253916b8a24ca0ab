/* Takes steps out of a sequence as long as the fault stays: ddmin, with the halves first (Zeller
 * and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002). */
#include "viewer/reduce/parts.h"

/* A step belongs to a unit that goes or stays as a whole. */
typedef uint32_t unit_of(const struct sequence *sequence, uint32_t step);

static uint32_t by_block(const struct sequence *sequence, uint32_t step) {
    return sequence->step[step].made.block;
}

static uint32_t by_step(const struct sequence *sequence, uint32_t step) {
    (void)sequence;
    return step;
}

/* Tries r->best without the units from `first` to before `end`. */
static int try_without(struct reduction *r, unit_of *unit, uint32_t first, uint32_t end) {
    struct sequence candidate = {0};
    bool good = true;
    for (uint32_t i = 0; i < r->best.count && good; i++) {
        uint32_t u = unit(&r->best, i);
        if (u < first || u >= end)
            good = sequence_add(&candidate, &r->best.step[i]);
    }
    bool is_candidate = good && candidate.count < r->best.count && sequence_is_whole(&candidate);
    int result = !good ? -1 : is_candidate ? attempt_better(r, &candidate) : 0;
    sequence_free(&candidate);
    return result;
}

static uint32_t count_units(const struct sequence *sequence, unit_of *unit) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < sequence->count; i++)
        if (unit(sequence, i) >= count)
            count = unit(sequence, i) + 1;
    return count;
}

/* From the last unit to the first: what comes later matters to less. */
static int shrink_by(struct reduction *r, unit_of *unit) {
    uint32_t units = count_units(&r->best, unit);
    for (uint32_t chunk = units > 1 ? units / 2 : 1; chunk > 0; chunk /= 2)
        for (uint32_t end = units; end > 0; end = end > chunk ? end - chunk : 0)
            if (run_is_over(r))
                return 0;
            else if (try_without(r, unit, end > chunk ? end - chunk : 0, end) < 0)
                return -1;
    return 0;
}

int shrink(struct reduction *r) {
    uint64_t before;
    do {
        before = r->accepted;
        if (join_all_threads(r) < 0 || shrink_by(r, by_block) < 0 || shrink_by(r, by_step) < 0 ||
            join_threads(r) < 0 || simplify_order(r) < 0 || simplify_numbers(r) < 0)
            return VIEW_UNREADABLE;
    } while (r->accepted > before && !run_is_over(r));
    return sequence_number(&r->best) ? 0 : hak_store_no_memory(r->view->store_path);
}

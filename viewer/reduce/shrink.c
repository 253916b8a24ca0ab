/* Takes steps out of a sequence as long as the fault stays: ddmin, with the halves first (Zeller
 * and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002). */
#include "viewer/reduce/parts.h"

#include <stdlib.h>
#include <string.h>

/* A step belongs to a unit that goes or stays as a whole. */
typedef uint32_t unit_of(const struct sequence *sequence, uint32_t step);

static uint32_t by_block(const struct sequence *sequence, uint32_t step) {
    return sequence->step[step].made.block;
}

static uint32_t by_step(const struct sequence *sequence, uint32_t step) {
    (void)sequence;
    return step;
}

static bool is_birth(enum sequence_verb verb) {
    return verb <= SEQUENCE_NEW_ARRAY_ALIGNED;
}

/* Does each step have its block? Without that a free of an address in a block would become one of
 * an address that is none. */
static bool is_whole(const struct sequence *sequence) {
    for (uint32_t i = 0; i < sequence->count; i++) {
        const struct sequence_step *step = &sequence->step[i].made;
        bool has_block = step->block == 0 || is_birth(step->verb);
        for (uint32_t j = i; j > 0 && !has_block; j--)
            has_block = sequence->step[j - 1].made.block == step->block;
        if (!has_block)
            return false;
    }
    return true;
}

/* Takes r->best's place if it gives the fault. Below 0: it cannot be made. */
static int try_one(struct reduction *r, const struct sequence *candidate) {
    int result = attempt(r, candidate, &r->setting);
    if (result == 2 && !sequence_copy(&r->best, candidate))
        return -1;
    return result;
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
    bool is_candidate = good && candidate.count < r->best.count && is_whole(&candidate);
    int result = !good ? -1 : is_candidate ? try_one(r, &candidate) : 0;
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
    for (uint32_t chunk = units > 1 ? units / 2 : 1; chunk > 0; chunk /= 2) {
        for (uint32_t end = units; end > 0; end = end > chunk ? end - chunk : 0) {
            struct hak_progress progress = {
                .doing = "reducing", .unit = "runs", .done = (uint64_t)r->attempts};
            view_progress(&progress);
            if (view_is_interrupted())
                return VIEW_INTERRUPTED;
            if (try_without(r, unit, end > chunk ? end - chunk : 0, end) < 0)
                return VIEW_UNREADABLE;
        }
    }
    return 0;
}

/* All in the main thread? */
static int join_threads(struct reduction *r) {
    struct sequence candidate = {0};
    bool has_others = false;
    int result = sequence_copy(&candidate, &r->best) ? 0 : -1;
    for (uint32_t i = 0; i < candidate.count; i++) {
        has_others |= candidate.step[i].made.thread != 1;
        candidate.step[i].made.thread = 1;
    }
    if (result == 0 && has_others)
        result = try_one(r, &candidate);
    sequence_free(&candidate);
    return result < 0 ? VIEW_UNREADABLE : 0;
}

int shrink(struct reduction *r) {
    uint32_t before;
    int status = join_threads(r);
    do {
        before = r->best.count;
        if (status == 0)
            status = shrink_by(r, by_block);
        if (status == 0)
            status = shrink_by(r, by_step);
    } while (status == 0 && r->best.count < before);
    return status;
}

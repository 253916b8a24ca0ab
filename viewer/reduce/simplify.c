/* Makes a sequence simpler that no step can be taken from: threads, numbers, order. */
#include "viewer/reduce/parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- threads -----------------------------------------------------------------------------------
 */

/* Tries `from` in `to`; thread 0 stands for all. */
static int try_join(struct reduction *r, uint32_t from, uint32_t to) {
    struct sequence candidate = {0};
    bool is_other = false;
    int result = sequence_copy(&candidate, &r->best) ? 0 : -1;
    for (uint32_t i = 0; i < candidate.count; i++) {
        uint32_t *thread = &candidate.step[i].made.thread;
        if (*thread == to || (from && *thread != from))
            continue;
        is_other = true;
        *thread = to;
    }
    if (result == 0 && is_other)
        result = attempt_better(r, &candidate);
    sequence_free(&candidate);
    return result;
}

int join_all_threads(struct reduction *r) {
    return try_join(r, 0, 1);
}

int join_threads(struct reduction *r) {
    int result = sequence_number_threads(&r->best) ? 0 : -1;
    for (uint32_t from = sequence_last_thread(&r->best); from > 1 && result >= 0; from--) {
        int joined = 0;
        for (uint32_t to = 1; to < from && result >= 0 && joined == 0 && !run_is_over(r); to++)
            result = joined = try_join(r, from, to);
    }
    return result;
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

/* A size that becomes a smaller one: what lies behind it stays as far behind. */
struct resize {
    int64_t from, to;
};

static int64_t move_offset(const struct resize *size, int64_t offset) {
    if (offset >= size->from)
        return offset - size->from + size->to;
    if (offset < size->to)
        return offset;
    return size->to > 0 ? size->to - 1 : 0;
}

static bool is_range(enum sequence_verb verb) {
    return verb == SEQUENCE_WRITE || verb == SEQUENCE_COPY_IN || verb == SEQUENCE_COPY_OUT;
}

static bool has_size(enum sequence_verb verb) {
    return verb == SEQUENCE_DELETE_SIZED || verb == SEQUENCE_DELETE_ARRAY_SIZED;
}

/* Fits a step to its block's new size. */
static void fit_step(const struct resize *size, struct sequence_step *made) {
    int64_t a = move_offset(size, made->a);
    if (is_range(made->verb) && made->a < size->from) {
        int64_t end = move_offset(size, made->a + made->b - 1) + 1;
        made->b = end > a ? end - a : 1;
    } else if (made->verb == SEQUENCE_READ)
        made->b = move_offset(size, made->a + made->b) - a;
    else if (has_size(made->verb) && made->b > 0) {
        made->b = move_offset(size, made->b);
        made->b = made->b > 0 ? made->b : 1; /* others do not look at a size of 0 */
    }
    made->a = a;
}

/* Makes all blocks of one size smaller, with the steps that go by it. */
static int try_size(struct reduction *r, const struct resize *size) {
    struct sequence candidate = {0};
    int result = sequence_copy(&candidate, &r->best) ? 0 : -1;
    bool has_pools = false; /* their pieces stay within their memory */
    for (uint32_t i = 0; i < candidate.count; i++)
        has_pools |= verb_is_of_pool(candidate.step[i].made.verb);
    int64_t *bytes =
        calloc(sequence_last_block(&candidate) + 1ul, sizeof *bytes); /* of each, as it was */
    for (uint32_t i = 0; i < candidate.count && bytes && result == 0; i++) {
        struct sequence_step *made = &candidate.step[i].made;
        int64_t *now = &bytes[made->block];
        if (verb_is_birth(made->verb)) {
            *now = made->a;
            made->a = made->a == size->from ? size->to : made->a;
        } else if (made->verb == SEQUENCE_CHURN) {
            made->a = made->a == size->from ? size->to : made->a;
        } else {
            if (*now == size->from && made->block)
                fit_step(size, made);
            if (made->verb == SEQUENCE_REALLOC) {
                *now = made->b;
                made->b = made->b == size->from ? size->to : made->b;
            }
        }
    }
    if (!bytes)
        result = -1;
    if (result == 0 && !has_pools)
        result = attempt_better(r, &candidate);
    free(bytes);
    sequence_free(&candidate);
    return result;
}

/* Tries 1, then powers of two. */
static int shrink_size(struct reduction *r, int64_t from) {
    int result = 0;
    for (int64_t to = 1; to < from && result == 0 && !run_is_over(r); to *= to == 1 ? 8 : 2)
        result = try_size(r, &(struct resize){from, to});
    return result;
}

/* The size of a step that takes or resizes a block; 0 = it is none. */
static int64_t size_of(const struct sequence_step *made) {
    return verb_is_birth(made->verb) ? made->a : made->verb == SEQUENCE_REALLOC ? made->b : 0;
}

/* Bytes of accesses, and how often a step is repeated. */
static int shrink_count(struct reduction *r, uint32_t step) {
    enum sequence_verb verb = r->best.step[step].made.verb;
    int result = 0;
    if (!is_range(verb) && verb != SEQUENCE_CHURN)
        return 0;
    int64_t from = r->best.step[step].made.b;
    for (int64_t to = 1; to < from && result == 0 && !run_is_over(r); to *= 10) {
        struct sequence candidate = {0};
        result = sequence_copy(&candidate, &r->best) ? 0 : -1;
        if (result == 0) {
            candidate.step[step].made.b = to;
            result = attempt_better(r, &candidate);
        }
        sequence_free(&candidate);
    }
    return result;
}

int simplify_numbers(struct reduction *r) {
    int result = 0;
    for (uint32_t i = 0; i < r->best.count && result >= 0; i++) {
        int64_t size = size_of(&r->best.step[i].made);
        bool is_new = true;
        for (uint32_t j = 0; j < i && is_new; j++)
            is_new = size_of(&r->best.step[j].made) != size;
        if (is_new)
            result = shrink_size(r, size);
        if (result >= 0)
            result = shrink_count(r, i);
    }
    return result;
}

/* ---- order -------------------------------------------------------------------------------------
 */

/* Turns of threads, then statements of the C program, then changes from block to block. */
struct cost {
    uint32_t turns, statements, blocks;
};

static struct cost cost_of(const struct sequence *s) {
    struct cost cost = {0};
    for (uint32_t i = 1; i < s->count; i++) {
        const struct sequence_step *before = &s->step[i - 1].made, *made = &s->step[i].made;
        cost.turns += made->thread != before->thread;
        cost.statements += made->thread != before->thread || !step_follows(before, made);
        cost.blocks += made->block != before->block;
    }
    return cost;
}

static bool is_less(const struct cost *a, const struct cost *b) {
    if (a->turns != b->turns)
        return a->turns < b->turns;
    if (a->statements != b->statements)
        return a->statements < b->statements;
    return a->blocks < b->blocks;
}

/* Moves the steps from `first` to before `end` to `to`, which lies before them. */
static int try_move(struct reduction *r, uint32_t to, uint32_t first, uint32_t end) {
    struct sequence candidate = {0};
    struct cost before = cost_of(&r->best);
    int result = sequence_copy(&candidate, &r->best) ? 0 : -1;
    if (result == 0) {
        struct step *step = candidate.step;
        memcpy(step + to, r->best.step + first, (end - first) * sizeof *step);
        memcpy(step + to + (end - first), r->best.step + to, (first - to) * sizeof *step);
        struct cost after = cost_of(&candidate);
        if (is_less(&after, &before) && sequence_is_whole(&candidate))
            result = attempt_better(r, &candidate);
    }
    sequence_free(&candidate);
    return result;
}

static bool is_same(const struct sequence_step *a, const struct sequence_step *b, bool by_block) {
    return a->thread == b->thread && (!by_block || a->block == b->block);
}

/* Moves the steps of a thread, or of a block, that begin at `first` to the last ones before. */
static int move_run(struct reduction *r, uint32_t first, bool by_block) {
    const struct step *step = r->best.step;
    uint32_t end = first + 1, to = first;
    while (end < r->best.count && is_same(&step[first].made, &step[end].made, by_block))
        end++;
    while (to > 0 && !is_same(&step[first].made, &step[to - 1].made, by_block))
        to--;
    return to > 0 && to < first ? try_move(r, to, first, end) : 0;
}

int simplify_order(struct reduction *r) {
    for (uint32_t i = 1; i < r->best.count && !run_is_over(r); i++) {
        int result = move_run(r, i, false);
        if (result == 0)
            result = move_run(r, i, true);
        if (result < 0)
            return result;
    }
    return 0;
}

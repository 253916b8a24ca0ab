/* Plans the next run of `hunt` by the findings of all runs before it.
 *
 *   nothing known   level normal, all, all to the byte, all from the other side
 *   a block known   its stack's blocks, at the side of the damage; the same at the other alignment;
 *                   the same, with debug registers at the bytes in front of the closed page; those
 *                   of its innermost frames; all
 *
 * A run that shows the damage at a block of another stack begins the second list anew with that
 * stack, and guards the blocks of the former ones as well: a block that realloc resized has its
 * stack, and is guarded from its start when malloc's is there too. Each list is gone through once,
 * and again as long as --runs allows.
 *
 * A fault that is named may follow from one before it, at a block that was not guarded: one run of
 * all has all blocks guarded, each with the alignment of its size, and of two findings the one
 * counts that came after fewer calls of the malloc family. Moves between layers are other ones in
 * each run, and are not counted. */
#include "viewer/hunt/parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNDERFLOW = 302,
    FIRST_OF_BLOCKS = 301,
    LAST_OF_BLOCKS = 304,
    ALIGNMENT = 16,
    FEW = 3,
    EARLIER_MAX = 64
};

bool hunt_is_settled(const struct hunt_fault *fault) {
    return fault->sight >= HUNT_CALL;
}

static bool is_block_known(const struct hunt_fault *fault) {
    return fault->code >= FIRST_OF_BLOCKS && fault->code <= LAST_OF_BLOCKS && fault->site &&
           fault->site[0];
}

bool hunt_is_in_slack(const struct hunt_fault *fault) {
    uint64_t end = (fault->asked_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return fault->has_block && fault->offset >= (int64_t)fault->asked_bytes &&
           fault->offset < (int64_t)end;
}

/* In this order. */
enum { SEARCHES = 4, AIM_FIRST = 0, AIM_OTHER, AIM_WATCHED, AIM_FEW, AIM_ALL, AIM_ALL_OTHER, AIMS };

static bool plan_search(const struct hunt *hunt, int step, struct hunt_plan *plan) {
    *plan = (struct hunt_plan){
        .blocks = step == 0 ? HUNT_NONE : HUNT_ALL, .is_byte = step == 2, .is_before = step == 3};
    return !plan->is_byte || hunt->bears_byte;
}

static bool plan_aim(const struct hunt *hunt, int step, struct hunt_plan *plan) {
    const struct hunt_fault *target = &hunt->target;
    bool wants_byte = hunt_is_in_slack(target) && (step != AIM_FEW || hunt->bears_byte);
    bool is_other = step == AIM_OTHER || step == AIM_ALL_OTHER;
    *plan = (struct hunt_plan){.blocks = step < AIM_ALL ? HUNT_ONLY : HUNT_ALL,
                               .is_before = target->code == UNDERFLOW,
                               .is_byte = wants_byte != is_other && step != AIM_WATCHED,
                               .frames = step == AIM_FEW ? FEW : 0,
                               .from = hunt->from,
                               .size = hunt->size};
    plan->is_watched = target->code == FIRST_OF_BLOCKS && plan->blocks == HUNT_ONLY &&
                       !plan->is_byte && !hunt->unwatched &&
                       (hunt_is_in_slack(target) || step >= AIM_WATCHED);
    if (plan->is_watched && !plan->frames)
        plan->number = hunt->size ? target->ordinal : target->number;
    if (step == AIM_FEW && hunt_site_frames(target->site) <= FEW)
        return false;
    if (step == AIM_WATCHED && (!plan->is_watched || hunt_is_in_slack(target)))
        return false; /* the one before was it */
    return !plan->is_byte || (hunt->bears_byte && !plan->is_before);
}

static bool choose_next(struct hunt *hunt, struct hunt_plan *plan) {
    if (hunt->is_named) { /* is a fault before it? */
        *plan = (struct hunt_plan){.blocks = HUNT_ALL};
        return !hunt->has_all;
    }
    bool has_aim = is_block_known(&hunt->target);
    int steps = has_aim ? AIMS : SEARCHES;
    for (int skipped = 0; skipped <= steps; skipped++) {
        int step = hunt->tried++;
        if (step >= steps && !hunt->is_repeated)
            return false;
        if (has_aim ? plan_aim(hunt, step % steps, plan) : plan_search(hunt, step % steps, plan))
            return true;
    }
    return false;
}

bool hunt_plan_next(struct hunt *hunt, struct hunt_plan *plan) {
    if (!choose_next(hunt, plan))
        return false;
    plan->is_size =
        plan->blocks == HUNT_ALL && !plan->is_byte && !plan->is_before && !hunt->needs_16;
    return true;
}

static bool is_same_site(const struct hunt_fault *a, const struct hunt_fault *b) {
    return a->site && b->site && strcmp(a->site, b->site) == 0;
}

/* Below 0: `a` came first; 0: not known. A process comes before those that it has forked since, and
 * before the program that it executes. */
static int compare_moments(const struct hunt_moment *a, const struct hunt_moment *b) {
    if (a->depth == 0 || b->depth == 0)
        return 0;
    for (int i = 0; i < a->depth && i < b->depth; i++)
        if (a->calls[i] != b->calls[i])
            return a->calls[i] < b->calls[i] ? -1 : 1;
    return a->depth - b->depth;
}

bool hunt_comes_before(const struct hunt_fault *fault, const struct hunt_fault *best) {
    bool is_same = best->site && best->site[0] && is_same_site(best, fault);
    int order = compare_moments(&fault->moment, &best->moment);
    if (best->sight <= HUNT_CRASH || fault->sight <= HUNT_CRASH || order == 0 ||
        (is_same && !(hunt_is_settled(fault) && hunt_is_settled(best))))
        return fault->sight > best->sight;
    return order < 0;
}

/* Is `fault` named from now on? A capture's is another run's, or another program's. */
static bool comes_first(const struct hunt *hunt, const struct hunt_fault *fault) {
    return (hunt->best_run == 0 && hunt_is_settled(fault)) || hunt_comes_before(fault, &hunt->best);
}

/* Not the one that was asked for by its number. */
static bool is_another(const struct hunt *hunt, const struct hunt_fault *fault) {
    return hunt->is_given && is_block_known(&hunt->target) && is_block_known(fault) &&
           !is_same_site(&hunt->target, fault);
}

/* True when a whole stack of those that hunt_add_site joined is `site`: at a line's start, and no
 * frame behind it. */
static bool was_found_at(const struct hunt *hunt, const char *site) {
    static const char head[] = "stack\n";
    const char *stack = hunt->earlier;
    size_t bytes = strlen(site);
    while (stack && (stack = strstr(stack, head))) {
        bool is_head = stack == hunt->earlier || stack[-1] == '\n';
        stack += sizeof head - 1;
        if (is_head && strncmp(stack, site, bytes) == 0 && stack[bytes] != ' ')
            return true;
    }
    return false;
}

/* The stack that was hunted stays in the file of the next runs. */
static void keep_site(struct hunt *hunt) {
    const char *site = hunt->target.site;
    if (!is_block_known(&hunt->target) || was_found_at(hunt, site) ||
        hunt->earlier_count >= EARLIER_MAX)
        return;
    char *sites = hunt_add_site(hunt->earlier, site);
    if (!sites)
        return;
    free(hunt->earlier);
    hunt->earlier = sites;
    hunt->earlier_count++;
}

/* Changes the plan after damage was found again. */
static void aim_anew(struct hunt *hunt, const struct hunt_run *run) {
    const struct hunt_fault *fault = &run->fault;
    bool is_new = !is_same_site(&hunt->target, fault);
    if (!is_block_known(fault) || (is_new && hunt->is_given))
        return;
    if (!is_new && fault->number) { /* other threads, other numbers */
        hunt->target.number = fault->number;
        hunt->target.ordinal = fault->ordinal;
    }
    if (is_new) {
        if (!was_found_at(hunt, fault->site))
            hunt->tried = 0;
        keep_site(hunt);
        hunt_copy_fault(&hunt->target, fault);
        hunt->from = hunt->size = 0;
    } else if (run->left > 0 && run->plan.blocks == HUNT_ONLY && hunt->size == 0 &&
               fault->has_block) {
        hunt->size = fault->asked_bytes; /* more blocks than there is room for */
        hunt->tried = 0;
    } else if (run->left > 0 && run->plan.blocks == HUNT_ONLY && fault->ordinal > hunt->from) {
        hunt->from = fault->ordinal - fault->ordinal / 8;
        hunt->tried = 0;
    }
}

/* The crash of a run came at the place of one before it, with another alignment: it is the
 * program's own. */
static bool is_known_crash(const struct hunt *hunt, const struct hunt_fault *fault) {
    const struct hunt_fault *best = &hunt->best;
    return best->sight == HUNT_CRASH && best->place && best->place[0] && fault->place &&
           strcmp(best->place, fault->place) == 0;
}

bool hunt_plan_learn(struct hunt *hunt, struct hunt_run *run) {
    struct hunt_fault *fault = &run->fault;
    if (run->unwatched)
        hunt->unwatched = run->unwatched; /* nothing is to be watched in later runs */
    bool is_crash_again = fault->sight == HUNT_CRASH && is_known_crash(hunt, fault);
    hunt->seen += fault->sight != HUNT_NOTHING && fault->sight != HUNT_CRASH;
    if (run->plan.is_byte && fault->sight == HUNT_CRASH && !is_crash_again) {
        hunt->bears_byte = false;
        return false;
    }
    if (run->plan.is_size && fault->sight == HUNT_CRASH && !is_crash_again) {
        hunt->needs_16 = true; /* the same once more at multiples of 16 */
        hunt->tried -= hunt->tried > 0 && !hunt->is_named;
        return false;
    }
    hunt->has_all |= run->plan.blocks == HUNT_ALL;
    run->counts = fault->sight != HUNT_NOTHING && !is_another(hunt, fault);
    run->is_better = run->counts && comes_first(hunt, fault) && hunt_copy_fault(&hunt->best, fault);
    hunt->crashed += is_crash_again || (run->is_better && fault->sight == HUNT_CRASH);
    if (run->is_better) {
        hunt->best_run = hunt->runs;
        hunt->is_named = hunt_is_settled(fault);
    }
    if (run->counts && fault->sight == HUNT_SYMPTOM && !hunt->symptom)
        hunt->symptom = strdup(fault->headline);
    if (run->counts && hunt_is_of_damage(fault) && !hunt->is_named)
        aim_anew(hunt, run);
    return hunt->is_named && (hunt->has_all || hunt->is_given || hunt->best.sight == HUNT_HOP);
}

/* The next step of `hunt`, by what its runs have found. */
#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"
#include "viewer/hunt/parts.h"

static char site[] = "  0x10 - app\n  0x20 - app\n  0x30 - app\n  0x40 - app\n";
static char other_site[] = "  0x99 - app\n";
static struct hunt hunt;

static void begin(void) {
    memset(&hunt, 0, sizeof hunt);
    hunt.bears_byte = true;
}

static struct hunt_fault damage(unsigned code, int64_t offset, char *frames) {
    return (struct hunt_fault){.sight = HUNT_DAMAGE,
                               .code = code,
                               .has_block = true,
                               .asked_bytes = 40,
                               .offset = offset,
                               .site = frames};
}

static struct hunt_plan next(void) {
    struct hunt_plan plan;
    ck_assert(hunt_plan_next(&hunt, &plan));
    return plan;
}

static bool has_next(void) {
    struct hunt_plan plan;
    return hunt_plan_next(&hunt, &plan);
}

/* A run made with `plan` has come to `fault`. */
static bool learn(struct hunt_plan plan, struct hunt_fault fault, uint64_t left) {
    struct hunt_run run = {.plan = plan, .fault = fault, .left = left, .is_recorded = true};
    hunt.runs++;
    return hunt_plan_learn(&hunt, &run);
}

static void ck_plan(struct hunt_plan plan, enum hunt_blocks blocks, bool is_before, bool is_byte) {
    ck_assert_int_eq(plan.blocks, blocks);
    ck_assert_int_eq(plan.is_before, is_before);
    ck_assert_int_eq(plan.is_byte, is_byte);
}

TEST(without_a_block_all_are_guarded) {
    ck_plan(next(), HUNT_NONE, false, false);
    ck_plan(next(), HUNT_ALL, false, false);
    ck_plan(next(), HUNT_ALL, false, true);
    ck_plan(next(), HUNT_ALL, true, false);
    ck_assert(!has_next());
}

TEST(what_is_asked_for_is_gone_through_again) {
    hunt.is_repeated = true;
    for (int i = 0; i < 4; i++)
        (void)next();
    ck_plan(next(), HUNT_NONE, false, false);
    hunt.bears_byte = false;
    ck_plan(next(), HUNT_ALL, false, false);
    ck_plan(next(), HUNT_ALL, true, false); /* not at odd addresses */
}

TEST(a_block_that_is_known_is_guarded_at_the_side_of_its_damage) {
    ck_assert(!learn(next(), damage(301, 40, site), 0));
    ck_plan(next(), HUNT_ONLY, false, true); /* within 8 bytes up to a multiple of 16 */
    struct hunt_plan watched = next();
    ck_plan(watched, HUNT_ONLY, false, false);
    ck_assert(watched.is_watched);
    struct hunt_plan few = next();
    ck_plan(few, HUNT_ONLY, false, true);
    ck_assert_int_eq(few.frames, 3);
    ck_plan(next(), HUNT_ALL, false, true);
    ck_plan(next(), HUNT_ALL, false, false);
    ck_assert(!has_next());
    begin();
    ck_assert(!learn(next(), damage(301, 48, site), 0));
    struct hunt_plan first = next();
    ck_plan(first, HUNT_ONLY, false, false);
    ck_assert(!first.is_watched); /* the closed page shows it, as it seems */
    ck_plan(next(), HUNT_ONLY, false, true);
    watched = next();
    ck_plan(watched, HUNT_ONLY, false, false);
    ck_assert(watched.is_watched);
    begin();
    ck_assert(!learn(next(), damage(302, -1, site), 0));
    ck_plan(next(), HUNT_ONLY, true, false);
    ck_plan(next(), HUNT_ONLY, true, false); /* of few frames; a start has no odd address */
}

static struct hunt_fault fault_of(enum hunt_sight sight, uint64_t calls, char *frames) {
    struct hunt_fault fault = damage(301, 48, frames);
    fault.sight = sight;
    fault.moment = (struct hunt_moment){.depth = calls > 0, .calls = {calls}};
    fault.headline = (char *)"";
    return fault;
}

/* A fault before it may be at a block that was not guarded: one run has all of them guarded. */
TEST(a_named_instruction_ends_it_once_all_blocks_were_guarded) {
    const enum hunt_sight sights[] = {HUNT_CALL, HUNT_INSTRUCTION};
    for (size_t i = 0; i < 2; i++) {
        struct hunt_fault fault = fault_of(sights[i], 100, site);
        begin();
        ck_assert(!learn(next(), fault, 0));
        struct hunt_plan all = next();
        ck_plan(all, HUNT_ALL, false, false);
        ck_assert(learn(all, fault, 0));
        ck_assert(!has_next());
        begin();
        ck_assert(!learn(next(), (struct hunt_fault){.sight = HUNT_NOTHING}, 0));
        ck_assert(learn(next(), fault, 0)); /* that run was it */
    }
    begin();
    ck_assert(learn(next(), fault_of(HUNT_HOP, 100, site), 0)); /* of our own */
}

/* A run made with the next plan: is its finding named from then on? */
static bool is_named_by_next(struct hunt_fault fault) {
    struct hunt_run run = {.plan = next(), .fault = fault, .is_recorded = true};
    hunt.runs++;
    (void)hunt_plan_learn(&hunt, &run);
    return run.is_better;
}

TEST(of_two_findings_the_one_after_fewer_calls_is_named) {
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 100, site)));
    ck_assert(!is_named_by_next(fault_of(HUNT_INSTRUCTION, 101, other_site)));
    begin();
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 100, site)));
    ck_assert(is_named_by_next(fault_of(HUNT_CALL, 99, other_site)));
    ck_assert_str_eq(hunt.best.site, other_site);
    begin();
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 100, site)));
    ck_assert(is_named_by_next(fault_of(HUNT_DAMAGE, 90, other_site))); /* found by then */
    ck_assert(!hunt.is_named);
    ck_assert_str_eq(hunt.target.site, other_site);
    ck_plan(next(), HUNT_ONLY, false, false); /* and its writer is looked for */
    begin();
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 100, site)));
    ck_assert(!is_named_by_next(fault_of(HUNT_DAMAGE, 200, other_site)));
    ck_assert(hunt.is_named);
    begin();
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 100, site)));
    ck_assert(!is_named_by_next(fault_of(HUNT_DAMAGE, 90, site))); /* of other threads' order */
    ck_assert(hunt.is_named);
}

/* Of processes: calls of each up to its fork, or its exec, that led to the next one. */
static struct hunt_fault fault_at(int depth, uint64_t outer, uint64_t inner, char *frames) {
    struct hunt_fault fault = fault_of(HUNT_INSTRUCTION, 0, frames);
    fault.moment = (struct hunt_moment){.depth = depth, .calls = {outer, inner}};
    return fault;
}

TEST(of_two_processes_the_one_that_was_begun_earlier_is_named) {
    ck_assert(is_named_by_next(fault_at(2, 100, 9000, site)));
    ck_assert(!is_named_by_next(fault_at(2, 200, 10, other_site))); /* a later child */
    begin();
    ck_assert(is_named_by_next(fault_at(2, 100, 9000, site)));
    ck_assert(is_named_by_next(fault_at(2, 100, 8999, other_site))); /* the same one */
    begin();
    ck_assert(is_named_by_next(fault_at(2, 100, 5, site)));
    ck_assert(is_named_by_next(fault_at(1, 100, 0, other_site))); /* before the fork */
    begin();
    ck_assert(is_named_by_next(fault_at(2, 100, 5, site)));
    ck_assert(!is_named_by_next(fault_at(1, 101, 0, other_site)));
}

/* The closed page lies right behind each block, as far as its size lets it. */
TEST(a_run_of_all_has_the_alignment_of_the_sizes) {
    struct hunt_fault crash = {.sight = HUNT_CRASH}, none = {.sight = HUNT_NOTHING};
    ck_assert(!next().is_size);
    struct hunt_plan all = next();
    ck_plan(all, HUNT_ALL, false, false);
    ck_assert(all.is_size);
    ck_assert(!next().is_size); /* to the byte */
    ck_assert(!next().is_size); /* its start at the page */
    begin();
    ck_assert(!learn(next(), none, 0));
    ck_assert(!learn(next(), crash, 0));
    ck_assert_int_eq(hunt.seen, 0);
    all = next(); /* the same, as malloc aligns */
    ck_plan(all, HUNT_ALL, false, false);
    ck_assert(!all.is_size && !hunt.has_all);
    ck_plan(next(), HUNT_ALL, false, true);
    begin(); /* it crashes without it at the same place, too */
    crash.place = (char[]){"main app.c:7"};
    ck_assert(!learn(next(), crash, 0));
    ck_assert(!learn(next(), crash, 0));
    ck_assert(hunt.has_all && !hunt.needs_16);
    ck_plan(next(), HUNT_ALL, false, true);
    begin(); /* it crashes without it, elsewhere */
    ck_assert(!learn(next(), crash, 0));
    crash.place = (char[]){"main app.c:4"};
    ck_assert(!learn(next(), crash, 0));
    ck_assert(hunt.needs_16 && !hunt.has_all);
    ck_plan(next(), HUNT_ALL, false, false);
    ck_assert_str_eq(hunt.best.place, "main app.c:7");
    begin();
    ck_assert(!learn(next(), fault_of(HUNT_CALL, 100, site), 0));
    ck_assert(next().is_size);
    ck_assert(!learn((struct hunt_plan){.blocks = HUNT_ALL, .is_size = true}, crash, 0));
    ck_assert(!next().is_size);
}

TEST(damage_has_its_writer_named_and_not_what_follows_from_it) {
    ck_assert(is_named_by_next(fault_of(HUNT_SYMPTOM, 90, site)));
    ck_assert(!is_named_by_next(fault_of(HUNT_INSTRUCTION, 95, other_site)));
    ck_assert(!hunt.is_named);
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 91, site)));
    ck_assert(hunt.is_named);
    begin();
    ck_assert(is_named_by_next(fault_of(HUNT_DAMAGE, 0, site))); /* not known */
    ck_assert(is_named_by_next(fault_of(HUNT_INSTRUCTION, 95, other_site)));
}

TEST(a_crash_at_odd_addresses_is_the_alignment) {
    struct hunt_fault crash = {.sight = HUNT_CRASH};
    ck_assert(!learn((struct hunt_plan){.blocks = HUNT_ALL, .is_byte = true}, crash, 0));
    ck_assert(!hunt.bears_byte);
    ck_assert_int_eq(hunt.seen, 0);
}

/* Where the program fails at odd addresses the closed page lies behind the damage. */
TEST(what_no_page_shows_is_watched_at_the_block_of_its_number) {
    struct hunt_fault fault = damage(301, 41, site), crash = {.sight = HUNT_CRASH};
    fault.number = 7;
    fault.ordinal = 5;
    ck_assert(!learn(next(), fault, 0));
    struct hunt_plan plan = next();
    ck_plan(plan, HUNT_ONLY, false, true);
    ck_assert(!learn(plan, crash, 0));
    plan = next();
    ck_plan(plan, HUNT_ONLY, false, false);
    ck_assert(plan.is_watched);
    ck_assert_uint_eq(plan.number, 7);
    fault.number = 8; /* it was another this time */
    ck_assert(!learn(plan, fault, 0));
    ck_assert_uint_eq(hunt.target.number, 8);
    plan = next();
    ck_plan(plan, HUNT_ONLY, false, false);
    ck_assert_int_eq(plan.frames, 3);
    ck_assert(plan.is_watched);
    ck_assert_uint_eq(plan.number, 0); /* other stacks have other numbers */
    ck_plan(next(), HUNT_ALL, false, false);
    ck_assert(!has_next());
    hunt.tried = 1;
    hunt.size = 40; /* blocks of other sizes do not count */
    ck_assert_uint_eq(next().number, 5);
    hunt.unwatched = (char *)"barred";
    hunt.tried = 1;
    plan = next();
    ck_plan(plan, HUNT_ONLY, false, false);
    ck_assert(!plan.is_watched && plan.number == 0);
}

TEST(a_stack_of_many_blocks_is_narrowed_down) {
    struct hunt_fault fault = damage(301, 48, site);
    fault.ordinal = 8000;
    ck_assert(!learn(next(), fault, 0));
    ck_assert(!learn(next(), fault, 5000));
    struct hunt_plan plan = next();
    ck_plan(plan, HUNT_ONLY, false, false);
    ck_assert_uint_eq(plan.size, 40);
    ck_assert_uint_eq(plan.from, 0);
    ck_assert(!learn(plan, fault, 4000));
    plan = next();
    ck_assert_uint_eq(plan.size, 40);
    ck_assert_uint_eq(plan.from, 7000);
}

TEST(damage_of_another_stack_is_the_new_aim) {
    struct hunt_fault fault = damage(301, 48, site);
    ck_assert(!learn(next(), fault, 0));
    ck_assert(!learn(next(), fault, 1));
    ck_assert(!learn(next(), damage(302, -1, other_site), 0));
    ck_assert_str_eq(hunt.target.site, other_site);
    ck_plan(next(), HUNT_ONLY, true, false);
    ck_assert_uint_eq(hunt.size, 0);
}

TEST(a_stack_that_was_left_is_guarded_too_and_begins_nothing_anew) {
    ck_assert(!learn(next(), damage(301, 48, site), 0));
    ck_assert_ptr_null(hunt.earlier);
    ck_assert(!learn(next(), damage(301, 48, other_site), 0));
    ck_assert_str_eq(hunt.earlier,
                     "stack\n  0x10 - app\n  0x20 - app\n  0x30 - app\n  0x40 - app\n");
    int runs = 0;
    while (runs < 20 && has_next()) /* the damage goes back and forth between them */
        ck_assert(!learn((struct hunt_plan){.blocks = HUNT_ONLY},
                         damage(301, 48, runs++ % 2 ? other_site : site), 0));
    ck_assert_int_lt(runs, 10);
    ck_assert_int_eq(hunt.earlier_count, 2);
    free(hunt.earlier);
}

/* Their frames are some of the other's. */
TEST(a_stack_within_another_is_one_of_its_own) {
    static char within[2][64] = {"  0x10 - app\n  0x20 - app\n", "  0x30 - app\n  0x40 - app\n"};
    ck_assert(!learn(next(), damage(301, 48, site), 0));
    ck_assert(!learn(next(), damage(301, 48, other_site), 0));
    for (int i = 0; i < 2; i++) {
        ck_assert(!learn(next(), damage(301, 48, within[i]), 0));
        ck_assert_int_eq(hunt.tried, 0);
        ck_assert(!learn(next(), damage(301, 48, other_site), 0));
        ck_assert_int_eq(hunt.earlier_count, 3 + i);
    }
    free(hunt.earlier);
}

TEST(the_fault_that_was_asked_for_stays_the_aim) {
    struct hunt_fault fault = damage(301, 48, site), other = damage(301, 40, other_site);
    hunt_copy_fault(&hunt.target, &fault);
    hunt.is_given = true;
    other.sight = HUNT_INSTRUCTION;
    ck_assert(!learn(next(), other, 0));
    ck_assert_str_eq(hunt.target.site, site);
    fault.sight = HUNT_INSTRUCTION;
    ck_assert(learn(next(), fault, 0)); /* no run of all blocks: another fault is not asked for */
}

RUN_TESTS(.set_up = begin)

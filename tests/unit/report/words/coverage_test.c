/* How much was guarded: counters in, words and JSON out; nothing where nothing is known. */
#include <jansson.h>
#include <stdlib.h>
#include "report/words/coverage.h"
#include "unit/suite.h"

static struct hak_text text;

static const char *share(const struct hak_coverage *coverage, const char *aside) {
    hak_text_free(&text);
    hak_words_add_coverage(&text, coverage, aside);
    return hak_text_string(&text);
}

static struct hak_coverage some(void) {
    struct hak_coverage coverage = {0};
    hak_coverage_add(&coverage, "served.FRONT", 54000);
    hak_coverage_add(&coverage, "served.LARGE", 796);
    hak_coverage_add(&coverage, "served.GUARDED", 1000);
    hak_coverage_add(&coverage, "served.GUARDED", 204); /* of another class */
    hak_coverage_add(&coverage, "given.GUARDED", 77);
    hak_coverage_add(&coverage, "GUARD_STACK.times", 402);
    hak_coverage_add(&coverage, "GUARD_FIRST.times", 310);
    hak_coverage_add(&coverage, "GUARD_FIRST.amount", 9);
    return coverage;
}

TEST(all_blocks_and_call_stacks_are_named_with_those_that_were_guarded) {
    struct hak_coverage coverage = some();
    ck_assert(hak_coverage_is_known(&coverage));
    ck_assert_str_eq(share(&coverage, NULL), "1,204 of 56,000 blocks, of 310 of 402 call stacks "
                                             "(the rest: too many of a call stack)");
    ck_assert_str_eq(share(&coverage, "padding aside"),
                     "1,204 of 56,000 blocks, of 310 of 402 call stacks "
                     "(padding aside; the rest: too many of a call stack)");
    hak_coverage_add(&coverage, "GUARD_TIME.times", 92);
    ck_assert_str_eq(share(&coverage, NULL),
                     "1,204 of 56,000 blocks, of 310 of 402 call stacks "
                     "(the rest: too many of a call stack, cost or memory limit)");
    hak_coverage_add(&coverage, "GUARD_SIZE.times", 3);
    ck_assert_str_eq(share(&coverage, "padding aside"),
                     "1,204 of 56,000 blocks, of 310 of 402 call stacks "
                     "(padding aside; the rest: too many of a call stack, too large, cost or "
                     "memory limit)");
    hak_text_free(&text);
    hak_words_add_guarded(&text, &coverage);
    ck_assert_str_eq(
        hak_text_string(&text),
        "1,204 blocks, of 310 of 402 call stacks; not guarded: 54,701 behind the first "
        "blocks of their call stacks, 3 for their size, 92 since the time or the "
        "memory for their stacks was used up");
    json_t *json = hak_coverage_json(&coverage);
    char *words = json_dumps(json, JSON_COMPACT);
    ck_assert_str_eq(
        words,
        "{\"blocks\":1204,\"of_blocks\":56000,\"call_stacks\":402,"
        "\"call_stacks_with\":310,\"not_guarded\":{\"too_many\":54701,"
        "\"memory\":0,\"mappings\":0,\"size\":3,\"alignment\":0,\"refused\":0,\"time\":92}}");
    free(words);
    json_decref(json);
}

/* In level light, under HAKMEM_GUARD=all, in older stores; and in a child that came back to stacks
 * which its parent had counted. */
TEST(call_stacks_are_left_out_where_they_are_not_known) {
    struct hak_coverage coverage = {.blocks = 7, .guarded = 1};
    ck_assert_str_eq(share(&coverage, NULL), "1 of 7 blocks");
    coverage.guarded_stacks = 2;
    coverage.stacks = 1;
    ck_assert_str_eq(share(&coverage, NULL), "1 of 7 blocks (the rest: too many of a call stack)");
    coverage = (struct hak_coverage){0};
    hak_coverage_add(&coverage, "served.FRONT", 12);
    ck_assert(!hak_coverage_is_known(&coverage));
    json_t *json = hak_coverage_json(&coverage);
    ck_assert(json_is_null(json));
    json_decref(json);
    hak_text_free(&text);
}

/* With `all` others are counted each by its reason, and one that moved by two of them. */
TEST(no_block_is_behind_the_first_ones_where_none_is_left_over) {
    struct hak_coverage coverage = {0};
    hak_coverage_add(&coverage, "served.FRONT", 12);
    hak_coverage_add(&coverage, "served.GUARDED", 3);
    ck_assert_str_eq(share(&coverage, NULL), "3 of 15 blocks");
    hak_coverage_add(&coverage, "GUARD_FIRST.times", 1);
    ck_assert_str_eq(share(&coverage, NULL), "3 of 15 blocks (the rest: too many of a call stack)");
    hak_coverage_add(&coverage, "GUARD_MEMORY.times", 13);
    ck_assert_str_eq(share(&coverage, NULL), "3 of 15 blocks (the rest: memory limit)");
    hak_text_free(&text);
}

RUN_TESTS()

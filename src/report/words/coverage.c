/* Says how many blocks and call stacks were guarded, and why others were not. */
#include "report/words/coverage.h"

#include <jansson.h>
#include <string.h>
#include "report/words/json.h"
#include "report/words/words.h"

#define SERVED "served."

/* Why a block was not guarded. Most are behind the first blocks of their call stacks: no call
 * counts them, they are what the counters leave over. */
enum { TOO_MANY };
static const struct {
    const char *counter, *key, *limit, *words;
} reasons[HAK_COVERAGE_REASONS] = {
    [TOO_MANY] = {NULL, "too_many", "too many of a call stack",
                  "behind the first blocks of their call stacks"},
    {"GUARD_MEMORY.times", "memory", "memory limit", "since HAKMEM_GUARD_MEMORY was used up"},
    {"GUARD_MAPPINGS.times", "mappings", "too many mappings",
     "since half of vm.max_map_count was used up"},
    {"GUARD_SIZE.times", "size", "too large", "for their size"},
    {"GUARD_ALIGNMENT.times", "alignment", "alignment", "for an alignment above a page"},
    {"GUARD_REFUSED.times", "refused", "refused by the kernel", "since the kernel gave no pages"},
    {"GUARD_TIME.times", "time", "cost or memory limit",
     "since the time or the memory for their stacks was used up"},
};

void hak_coverage_add(struct hak_coverage *coverage, const char *name, uint64_t value) {
    if (strncmp(name, SERVED, sizeof SERVED - 1) == 0)
        coverage->blocks += value;
    if (strcmp(name, SERVED "GUARDED") == 0)
        coverage->guarded += value;
    else if (strcmp(name, "GUARD_STACK.times") == 0)
        coverage->stacks += value;
    else if (strcmp(name, "GUARD_FIRST.times") == 0)
        coverage->guarded_stacks += value;
    for (int i = 0; i < HAK_COVERAGE_REASONS; i++)
        if (reasons[i].counter && strcmp(name, reasons[i].counter) == 0)
            coverage->refused[i] += value;
}

bool hak_coverage_is_known(const struct hak_coverage *coverage) {
    uint64_t any = coverage->guarded | coverage->stacks | coverage->guarded_stacks;
    for (int i = 0; i < HAK_COVERAGE_REASONS; i++)
        any |= coverage->refused[i];
    return any != 0;
}

/* How many blocks were not guarded for that reason. Nothing is left over where blocks are not
 * chosen by call stack. A block that realloc moves may be counted by two reasons. */
static uint64_t not_guarded(const struct hak_coverage *coverage, int reason) {
    if (reason != TOO_MANY)
        return coverage->refused[reason];
    uint64_t others = coverage->guarded;
    for (int i = 0; i < HAK_COVERAGE_REASONS; i++)
        others += coverage->refused[i];
    bool is_by_stack = coverage->stacks > 0 || coverage->guarded_stacks > 0;
    return is_by_stack && others < coverage->blocks ? coverage->blocks - others : 0;
}

/* A forked child may come back to a stack that was counted before the fork. */
static void add_stacks(struct hak_text *text, const struct hak_coverage *coverage) {
    if (coverage->stacks > 0 && coverage->guarded_stacks <= coverage->stacks)
        hak_text_add(text, ", of %s of %s", hak_words_number(coverage->guarded_stacks),
                     hak_words_count(coverage->stacks, "call stack", "call stacks"));
}

void hak_words_add_coverage(struct hak_text *text, const struct hak_coverage *coverage,
                            const char *aside) {
    const char *between = aside ? "; the rest: " : " (the rest: ";
    hak_text_add(text, "%s of %s", hak_words_number(coverage->guarded),
                 hak_words_count(coverage->blocks, "block", "blocks"));
    add_stacks(text, coverage);
    if (aside)
        hak_text_add(text, " (%s", aside);
    bool is_open = aside != NULL;
    for (int i = 0; i < HAK_COVERAGE_REASONS; i++)
        if (not_guarded(coverage, i) > 0) {
            hak_text_add(text, "%s%s", between, reasons[i].limit);
            between = ", ";
            is_open = true;
        }
    if (is_open)
        hak_text_add(text, ")");
}

void hak_words_add_guarded(struct hak_text *text, const struct hak_coverage *coverage) {
    const char *between = "; not guarded: ";
    hak_text_add(text, "%s", hak_words_count(coverage->guarded, "block", "blocks"));
    add_stacks(text, coverage);
    for (int i = 0; i < HAK_COVERAGE_REASONS; i++)
        if (not_guarded(coverage, i) > 0) {
            hak_text_add(text, "%s%s %s", between, hak_words_number(not_guarded(coverage, i)),
                         reasons[i].words);
            between = ", ";
        }
}

json_t *hak_coverage_json(const struct hak_coverage *coverage) {
    if (!hak_coverage_is_known(coverage))
        return json_null();
    json_t *why_not = json_object();
    for (int i = 0; i < HAK_COVERAGE_REASONS; i++)
        hak_json_set(why_not, NUMBER(reasons[i].key, not_guarded(coverage, i)));
    return hak_json_object(
        NUMBER("blocks", coverage->guarded), NUMBER("of_blocks", coverage->blocks),
        NUMBER("call_stacks", coverage->stacks),
        NUMBER("call_stacks_with", coverage->guarded_stacks), JSON("not_guarded", why_not));
}

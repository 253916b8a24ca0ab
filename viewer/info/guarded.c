/* How many blocks lay alone between closed pages (HAKMEM_GUARD), and how many had no room there. */
#include "viewer/info/parts.h"

#include "report/words/words.h"

enum { GUARDED, FIRST_REASON, GUARDED_STACKS = 7, ALL_STACKS, COUNTS };
/* Why those behind the first were not guarded. */
static const struct {
    const char *key, *words;
} reasons[GUARDED_STACKS] = {
    [FIRST_REASON] = {"memory", "since HAKMEM_GUARD_MEMORY was used up"},
    {"mappings", "since half of vm.max_map_count was used up"},
    {"size", "for their size"},
    {"alignment", "for an alignment above a page"},
    {"refused", "since the kernel gave no pages"},
    {"time", "since the time or the memory for their stacks was used up"},
};

/* Reads how many blocks were guarded and why others were not. False: none was to be guarded. */
static bool read_guarded_counts(struct view *view, uint64_t counts[COUNTS]) {
    static const char *const names[COUNTS] = {
        "served.GUARDED",   "GUARD_MEMORY.times",    "GUARD_MAPPINGS.times",
        "GUARD_SIZE.times", "GUARD_ALIGNMENT.times", "GUARD_REFUSED.times",
        "GUARD_TIME.times", "GUARD_FIRST.times",     "GUARD_STACK.times"};
    uint64_t any = 0;
    int error = view_read_reached(view, names, counts, COUNTS);
    if (error)
        view_store_error(view, error);
    for (int i = 0; i < COUNTS; i++)
        any |= counts[i];
    return any != 0;
}

void info_add_guarded(struct hak_text *text, struct view *view) {
    uint64_t counts[COUNTS];
    const char *between = "; not guarded: ";
    if (!read_guarded_counts(view, counts))
        return;
    view_add_heading(text, view, "guarded", 14);
    hak_text_add(text, "%s", hak_words_count(counts[GUARDED], "block", "blocks"));
    if (counts[ALL_STACKS] > 0)
        hak_text_add(text, ", of %s of %s", hak_words_number(counts[GUARDED_STACKS]),
                     hak_words_count(counts[ALL_STACKS], "call stack", "call stacks"));
    for (int i = FIRST_REASON; i < GUARDED_STACKS; i++)
        if (counts[i] > 0) {
            hak_text_add(text, "%s%s %s", between, hak_words_number(counts[i]), reasons[i].words);
            between = ", ";
        }
    hak_text_add(text, "\n");
}

json_t *info_guarded_json(struct view *view) {
    uint64_t counts[COUNTS];
    if (!read_guarded_counts(view, counts))
        return json_null();
    json_t *not_guarded = json_object();
    for (int i = FIRST_REASON; i < GUARDED_STACKS; i++)
        hak_json_set(not_guarded, NUMBER(reasons[i].key, counts[i]));
    return hak_json_object(
        NUMBER("blocks", counts[GUARDED]), NUMBER("call_stacks", counts[ALL_STACKS]),
        NUMBER("call_stacks_with", counts[GUARDED_STACKS]), JSON("not_guarded", not_guarded));
}

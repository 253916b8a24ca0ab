/* How many blocks lay alone between closed pages (HAKMEM_GUARD), and how many had no room there. */
#include "viewer/info/parts.h"

#include "report/words/words.h"

enum { REASONS = 5 };
static const struct {
    const char *key, *words;
} reasons[REASONS] = {
    {"memory", "since HAKMEM_GUARD_MEMORY was used up"},
    {"mappings", "since half of vm.max_map_count was used up"},
    {"size", "for their size"},
    {"alignment", "for an alignment above a page"},
    {"refused", "since the kernel gave no pages"},
};

struct guarded_counts {
    uint64_t guarded, not_guarded[REASONS];
};

static struct guarded_counts read_guarded_counts(struct view *view) {
    static const char query[] =
        VIEW_REACHED("n.text IN ('served.GUARDED', 'GUARD_MEMORY.times', 'GUARD_MAPPINGS.times',"
                     " 'GUARD_SIZE.times', 'GUARD_ALIGNMENT.times', 'GUARD_REFUSED.times')",
                     "sum(most) FILTER (WHERE text = 'served.GUARDED'),"
                     " sum(most) FILTER (WHERE text = 'GUARD_MEMORY.times'),"
                     " sum(most) FILTER (WHERE text = 'GUARD_MAPPINGS.times'),"
                     " sum(most) FILTER (WHERE text = 'GUARD_SIZE.times'),"
                     " sum(most) FILTER (WHERE text = 'GUARD_ALIGNMENT.times'),"
                     " sum(most) FILTER (WHERE text = 'GUARD_REFUSED.times')");
    uint64_t read[1 + REASONS] = {0};
    struct guarded_counts counts = {0};
    int found = hak_database_numbers(hak_store_database(view->reader), query, 0, read, 1 + REASONS);
    if (found < 0)
        view_store_error(view, found);
    counts.guarded = read[0];
    for (int i = 0; i < REASONS; i++)
        counts.not_guarded[i] = read[1 + i];
    return counts;
}

static uint64_t all_not_guarded(const struct guarded_counts *counts) {
    uint64_t sum = 0;
    for (int i = 0; i < REASONS; i++)
        sum += counts->not_guarded[i];
    return sum;
}

void info_add_guarded(struct hak_text *text, struct view *view) {
    struct guarded_counts counts = read_guarded_counts(view);
    const char *between = "; not guarded: ";
    if (counts.guarded + all_not_guarded(&counts) == 0)
        return;
    hak_text_add(text, "%sguarded%s", view_style(view, VIEW_BOLD), view_style(view, VIEW_PLAIN));
    hak_text_tab(text, 14);
    hak_text_add(text, "%s", hak_words_count(counts.guarded, "block", "blocks"));
    for (int i = 0; i < REASONS; i++)
        if (counts.not_guarded[i] > 0) {
            hak_text_add(text, "%s%s %s", between, hak_words_number(counts.not_guarded[i]),
                         reasons[i].words);
            between = ", ";
        }
    hak_text_add(text, "\n");
}

json_t *info_guarded_json(struct view *view) {
    struct guarded_counts counts = read_guarded_counts(view);
    if (counts.guarded + all_not_guarded(&counts) == 0)
        return json_null();
    json_t *object = json_object(), *not_guarded = json_object();
    hak_json_set(object, NUMBER("blocks", counts.guarded));
    for (int i = 0; i < REASONS; i++)
        hak_json_set(not_guarded, NUMBER(reasons[i].key, counts.not_guarded[i]));
    return hak_json_set(object, JSON("not_guarded", not_guarded));
}

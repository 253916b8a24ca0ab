/* `layers --superslabs`, and the lines of `layers` that come from the log's changes. */
#include "viewer/layers/changes.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

/* ---- one line each -----------------------------------------------------------------------------
 */

/* The first owners, and how many more. */
static void add_owners(struct hak_text *text, const struct layers *l,
                       const struct superslab_life *life) {
    uint32_t shown = life->owners < SUPERSLAB_OWNERS ? life->owners : SUPERSLAB_OWNERS;
    for (uint32_t i = 0; i < shown; i++)
        hak_text_add(text, "%s%s", i ? ", " : "", view_thread_label(l->view, life->owner[i]));
    if (life->owners > shown)
        hak_text_add(text, " and %s more", hak_words_number(life->owners - shown));
}

/* Adds "HOT 0.200 s, DRAINING 0.101 s": how long in each, what it was in longest first. */
static void add_times(struct hak_text *text, const struct superslab_life *life) {
    bool is_told[SUPERSLAB_STATES] = {[SUPERSLAB_GONE] = true};
    for (;;) {
        unsigned next = SUPERSLAB_GONE;
        for (unsigned s = 1; s < SUPERSLAB_STATES; s++)
            if (!is_told[s] && life->state_ns[s] > (next ? life->state_ns[next] : 0))
                next = s;
        if (next == SUPERSLAB_GONE)
            break;
        is_told[next] = true;
        hak_text_add(text, "%s%s %s", text->length ? ", " : "", layers_state_name(next),
                     hak_words_time(life->state_ns[next]));
    }
}

/* How long in each state. */
static json_t *times_json(const struct superslab_life *life) {
    json_t *object = json_object();
    for (unsigned s = 1; s < SUPERSLAB_STATES; s++)
        hak_json_set(object, NUMBER(layers_state_name(s), life->state_ns[s]));
    return object;
}

static json_t *owners_json(const struct superslab_life *life) {
    json_t *owners = json_array();
    for (uint32_t i = 0; i < life->owners && i < SUPERSLAB_OWNERS; i++)
        json_array_append_new(owners, json_integer(life->owner[i]));
    return owners;
}

struct answer layers_superslabs_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    bool has_processes = l->view->summary.processes > 1 && l->process == 0;
    for (uint32_t i = 0; i < l->changes->count; i++) {
        const struct superslab_life *life = &l->changes->lives[i];
        answer_row(
            &answer, DATA(ADDRESS("address", life->address)),
            MADE("SuperSlab", hak_text_add, "0x%" PRIx64, life->address),
            DATA(NUMBER("process", life->process)),
            CELL(has_processes ? "<process" : NULL, view_process_label(l->view, life->process)),
            DATA(NUMBER("pid", hak_lookup_pid(l->view->reader, life->process))),
            DATA(KNOWN("mapped_ns", life->was_mapped, life->begin_ns)),
            DATA(KNOWN("unmapped_ns", life->was_unmapped, life->end_ns)),
            CELL("mapped", life->was_mapped ? hak_words_time(life->begin_ns) : "inherited"),
            DATA(NUMBER("owners", life->owners)), DATA_OF("owner_threads", owners_json(life)),
            MADE("<owners", add_owners, l, life), FILLED("slabs", "slabs", life->slabs),
            FILLED("kept", "kept", life->keeps), FILLED("taken", "taken", life->takes),
            FILLED("adopted", "adopted", life->adopts),
            MADE("<how long in which tier", add_times, life),
            CELL("<unmapped", life->was_unmapped ? hak_words_time(life->end_ns)
                              : life->end_ns     ? "with its process"
                                                 : ""),
            DATA(NUMBER("tier_changes", life->tiers)), DATA_OF("ns_in", times_json(life)));
    }
    return answer;
}

/* ---- the lines ---------------------------------------------------------------------------------
 */

/* How often from which tier to which. */
static struct answer tiers_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    for (unsigned from = 0; from < SUPERSLAB_STATES; from++)
        for (unsigned to = 0; to < SUPERSLAB_STATES; to++) {
            uint64_t times = l->changes->moves[from][to];
            if (times > 0)
                answer_row(&answer, DATA(WORD("from", layers_state_name(from))),
                           DATA(WORD("to", layers_state_name(to))), DATA(NUMBER("times", times)),
                           MADE("tiers", hak_text_add, "%s -> %s %s", layers_state_name(from),
                                layers_state_name(to), hak_words_number(times)));
        }
    return answer;
}

#define CAPACITIES_SHOWN 6

/* Adds, where many classes changed their capacity, only how often and between which; false for
 * few. */
static bool sum_capacities(struct hak_text *text, const struct layers *l) {
    uint64_t changes = 0, least = UINT64_MAX, most = 0;
    unsigned classes = 0;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
        const struct layers_capacity *capacity = &l->changes->capacities[k];
        if (capacity->changes == 0 || !layers_shows_class(l, k))
            continue;
        classes++;
        changes += capacity->changes;
        least = capacity->least < least ? capacity->least : least;
        most = capacity->most > most ? capacity->most : most;
    }
    if (classes <= CAPACITIES_SHOWN)
        return false;
    hak_text_add(text, "Capacity  %s in %u classes, between %s and %s; --class shows one.\n",
                 hak_words_count(changes, "change", "changes"), classes, hak_words_number(least),
                 hak_words_count(most, "block", "blocks"));
    return true;
}

/* Adds "C3 64 B 16 -> 32 blocks (1 change)". */
static void add_capacity(struct hak_text *text, const struct layers *l, unsigned k) {
    const struct layers_capacity *capacity = &l->changes->capacities[k];
    hak_text_add(text, "%s ", layers_class_name(l, k));
    if (capacity->first)
        hak_text_add(text, "%s -> ", hak_words_number(capacity->first));
    hak_text_add(text, "%s blocks (%s)", hak_words_number(capacity->last),
                 hak_words_count(capacity->changes, "change", "changes"));
}

/* How the places of classes changed. */
static struct answer capacities_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
        const struct layers_capacity *capacity = &l->changes->capacities[k];
        if (capacity->changes > 0 && layers_shows_class(l, k))
            answer_row(&answer, DATA(WORD("class", layers_class_name(l, k))),
                       DATA(NUMBER("changes", capacity->changes)),
                       DATA(KNOWN("before", capacity->first, capacity->first)),
                       DATA(NUMBER("last", capacity->last)), MADE("capacity", add_capacity, l, k));
    }
    return answer;
}

/* The learnt settings. */
static struct answer settings_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    for (uint32_t i = 0; i < l->changes->setting_count; i++) {
        const struct layers_setting *s = &l->changes->settings[i];
        struct hak_event e = {.kind = HAK_LEARN, .size = (uint64_t)s->setting << 32 | s->value};
        answer_row(&answer, DATA(NUMBER("setting", s->setting)),
                   DATA_OF("words", hak_json_word(hak_words_setting(s->setting))),
                   DATA(NUMBER("changes", s->changes)), DATA(NUMBER("last", s->value)),
                   MADE("learnt", hak_text_add, "%s (%s)", hak_words_change(&e),
                        hak_words_count(s->changes, "change", "changes")));
    }
    return answer;
}

void layers_add_change_lines(struct hak_text *text, const struct layers *l) {
    if (!l->changes)
        return;
    struct answer tiers = tiers_of(l, false), capacities = capacities_of(l, false);
    struct answer settings = settings_of(l, false);
    if (l->changes->peak > 0 && layers_shows_all(l))
        hak_text_add(text, "Lives  %s, at most %s at once; --superslabs shows each.\n",
                     hak_words_count(l->changes->count, "SuperSlab", "SuperSlabs"),
                     hak_words_number(l->changes->peak));
    if (layers_shows_all(l))
        answer_print_line(text, &tiers, "Tiers  ");
    if (!sum_capacities(text, l))
        answer_print_line(text, &capacities, "Capacity  ");
    if (layers_shows_all(l))
        answer_print_line(text, &settings, "Learnt  ");
    answer_end(&tiers);
    answer_end(&capacities);
    answer_end(&settings);
}

json_t *layers_changes_json(const struct layers *l) {
    const struct layers_changes *c = l->changes;
    json_t *object = hak_json_object(NUMBER("lives", c->count), NUMBER("at_most_at_once", c->peak),
                                     JSON("tiers", tiers_of(l, true).list),
                                     JSON("capacities", capacities_of(l, true).list),
                                     JSON("settings", settings_of(l, true).list));
    if (l->shows_superslabs)
        hak_json_set(object, JSON("superslabs", layers_superslabs_of(l, true).list));
    return object;
}

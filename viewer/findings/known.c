/* Finds which findings are known by suppressions or the baseline, and which of the baseline are
 * gone. */
#include "viewer/findings/findings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "options.h"
#include "options_table.h"

#define ERROR_BYTES (2 * PATH_MAX)

/* True when a suppression fits one of the stacks; the finding is marked. */
static bool matches_suppression(struct findings *all, struct finding *one) {
    for (int i = 0; i < one->stack_count; i++) {
        const struct hak_frames *frames = &one->stacks[i].frames;
        const struct hak_suppression *by =
            hak_suppressions_match(all->suppressions, one->code, frames->frame, frames->count);
        if (by) {
            one->state = FINDING_SUPPRESSED;
            one->known_by = by->text;
            return true;
        }
    }
    return false;
}

void findings_add_up_leak(const struct findings *findings, const struct finding *leak,
                          uint64_t *blocks, uint64_t *bytes) {
    *blocks = *bytes = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (one->kind == FINDING_LEAK && one->process == leak->process &&
            strcmp(one->fingerprint, leak->fingerprint) == 0) {
            *blocks += one->blocks;
            *bytes += one->bytes;
        }
    }
}

void finding_add_growth(struct hak_text *text, const struct finding *finding) {
    if (finding->old_blocks == 0)
        return;
    hak_text_add(text, "; ");
    hak_baseline_add_growth(text, finding->old_blocks, finding->old_bytes, finding->all_blocks,
                            finding->all_bytes);
}

/* True of a leak that has grown since the baseline was written: its headline says so. */
static bool has_grown(const struct findings *all, const struct hak_baseline_entry *entry,
                      struct finding *one) {
    uint64_t blocks, bytes;
    if (one->kind != FINDING_LEAK)
        return false;
    findings_add_up_leak(all, one, &blocks, &bytes);
    if (!hak_baseline_has_grown(entry, blocks, bytes, all->leak_growth))
        return false;
    one->old_blocks = entry->blocks;
    one->old_bytes = entry->bytes;
    one->all_blocks = blocks;
    one->all_bytes = bytes;
    struct hak_text headline = {0};
    hak_text_add(&headline, "%s", one->headline);
    finding_add_growth(&headline, one);
    char *longer = hak_text_take(&headline);
    if (longer) {
        free(one->headline);
        one->headline = longer;
    }
    return true;
}

/* Marks a finding that a suppression or the baseline knows; a crash never is. */
static void judge(struct findings *all, struct finding *one) {
    if (one->kind == FINDING_CRASH || matches_suppression(all, one))
        return;
    struct hak_baseline_entry *entry = hak_baseline_find(all->baseline, one->fingerprint);
    if (!entry)
        return;
    entry->seen = true;
    if (has_grown(all, entry, one))
        return;
    one->state = FINDING_BASELINE;
    one->known_by = entry->note;
}

/* Counts a later fault of a block that has a known one as known, too. */
static void judge_by_block(const struct findings *all, struct finding *one) {
    if (one->kind != FINDING_FAULT || one->state != FINDING_NEW || one->base == 0)
        return;
    for (const struct finding *other = all->list; other < one; other++)
        if (other->kind == FINDING_FAULT && other->state != FINDING_NEW &&
            other->process == one->process && other->base == one->base &&
            other->birth == one->birth) {
            one->state = other->state;
            one->known_by = other->known_by;
            return;
        }
}

/* Commands that only read take what they are told, `run` and `hunt` the variables of their program,
 * too. */
static const char *file_of(const struct view *view, const char *option, const char *variable) {
    return view->command->stops_at_first ? view_variable_value(view, variable)
                                         : view_value(view, option);
}

/* Reads by how much a leak of the baseline may grow. False: the error is printed. */
static bool read_growth(const struct view *view, uint64_t *growth) {
    const char *value = file_of(view, "leak-growth", "LEAK_GROWTH"), *expected = NULL;
    const struct hak_option *option = &hak_option_table[HAK_INDEX_LEAK_GROWTH];
    *growth = HAK_LEAK_GROWTH;
    if (!value || !value[0] || hak_option_take_number(option, value, growth, &expected))
        return true;
    view_error("%s --leak-growth: %s was expected, not %s", view->command->name, expected, value);
    return false;
}

bool findings_load_known(const struct view *view, struct findings *findings) {
    const char *baseline = file_of(view, "baseline", "BASELINE");
    const char *suppressions = file_of(view, "suppressions", "SUPPRESSIONS");
    static char error[ERROR_BYTES];
    bool good = true;
    if (!read_growth(view, &findings->leak_growth))
        return false;
    if (baseline && baseline[0]) {
        findings->baseline =
            hak_baseline_load(baseline, findings->may_lack_baseline, error, sizeof error);
        good = findings->baseline != NULL;
    }
    if (good && suppressions && suppressions[0]) {
        findings->suppressions = hak_suppressions_load(suppressions, error, sizeof error);
        good = findings->suppressions != NULL;
    }
    if (!good)
        view_error("%s%s%s", view->command->stops_at_first ? view->command->name : "",
                   view->command->stops_at_first ? ": " : "", error);
    return good;
}

bool findings_compare(struct view *view, struct findings *findings) {
    if (!findings_load_known(view, findings))
        return false;
    for (size_t i = 0; i < findings->count; i++)
        judge(findings, &findings->list[i]);
    for (size_t i = 0; i < findings->count; i++)
        judge_by_block(findings, &findings->list[i]);
    return true;
}

bool finding_is_new(const struct finding *finding) {
    return finding->state == FINDING_NEW && !finding->is_reported_only;
}

size_t findings_count_new(const struct findings *findings) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += finding_is_new(&findings->list[i]) && findings->list[i].kind != FINDING_CRASH;
    return count;
}

size_t findings_count_known(const struct findings *findings) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->list[i].state != FINDING_NEW;
    return count;
}

bool findings_has_run(void *context, const char *program) {
    struct view *view = context;
    struct hak_query q = hak_ask(hak_store_database(view->reader), "SELECT program FROM process",
                                 "reading processes");
    bool found = false;
    while (!found && hak_query_next(&q))
        found = strcmp(hak_words_path(hak_query_text(&q, 0), 1, false), program) == 0;
    hak_query_end(&q);
    return found;
}

const struct hak_baseline_entry *findings_next_stale(struct view *view,
                                                     const struct findings *findings, size_t *at) {
    while (findings->baseline && *at < findings->baseline->count) {
        const struct hak_baseline_entry *entry = &findings->baseline->list[(*at)++];
        if (!entry->seen && findings_has_run(view, entry->program))
            return entry;
    }
    return NULL;
}

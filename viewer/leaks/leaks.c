/* `leaks`: the blocks that were never freed and that nothing points to any more, by the stacks that
 * allocated them; `leaks N`: one of them with its whole stack. */
#include "viewer/leaks/leaks.h"
#include "viewer/leaks/rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/capture/capture.h"
#include "report/words/words.h"
#include "trace/record.h"

enum { LIMIT = 50 };

/* Appends the ages of the leak's blocks at the scan, youngest to oldest, as "0.001 s to 4.200 s";
 * nothing when they are not known. */
static void add_age(struct hak_text *text, const struct leaks_row *row) {
    if (!row->newest_ns || row->newest_ns > row->ns)
        return;
    if (row->count > 1)
        hak_text_add(text, "%s to ", hak_words_time(row->ns - row->newest_ns));
    hak_text_add(text, "%s", hak_words_time(row->ns - row->oldest_ns));
}

/* True for a new leak; reachable blocks need --reachable. */
static bool is_listed(const struct view *view, const struct leaks_row *row) {
    if (row->state != FINDING_NEW)
        return false;
    return row->kind != HAK_LEAK_IS_REACHABLE || view_given(view, "reachable");
}

/* ---- for people ------------------------------------------------------------------------------ */

/* One sentence on a scan. */
static void add_scan_line(struct hak_text *text, struct view *view, const struct leaks_scan *scan) {
    hak_text_add(text, "Process ");
    view_add_process(text, view, scan->process);
    hak_text_add(text, ", %s, at %s: ", scan->reason, hak_words_time(scan->ns));
    hak_text_add(text, "%s of %s looked at in %s.%llu ms, ",
                 hak_words_count(scan->live_blocks, "live block", "live blocks"),
                 hak_words_bytes(scan->live_bytes), hak_words_number(scan->microseconds / 1000),
                 (unsigned long long)(scan->microseconds / 100 % 10));
    hak_text_add(text, "%s lost", scan->lost_blocks ? hak_words_number(scan->lost_blocks) : "none");
    if (scan->known_blocks)
        hak_text_add(text, "; %s known when it ran (suppressions, baseline)",
                     hak_words_count(scan->known_blocks, "block was", "blocks were"));
    hak_text_add(text, ".%s%s\n", scan->notes[0] ? " " : "", scan->notes);
}

/* Whether a leak is a row of the answer: in text the new ones, in JSON all that were asked for, or
 * `only` one. */
static bool is_row(const struct view *view, const struct leaks_row *row,
                   const struct leaks_row *only) {
    if (only)
        return row == only;
    return view->json ? row->kind != HAK_LEAK_IS_REACHABLE || view_given(view, "reachable")
                      : is_listed(view, row);
}

/* Adds a leak as a row of the answer; `place` is the line of its stack, for text. */
static void add_leak(struct answer *answer, const struct leaks_list *list,
                     const struct leaks_row *row, const char *place) {
    static const char *const states[] = {"new", "baseline", "suppressed"};
    struct view *view = answer->view;
    answer_row(
        answer, FILLED("leak", "row", row->row), DATA(NUMBER("scan", row->scan)),
        DATA(NUMBER("process", row->process)),
        STRING("<kind", "kind", hak_words_leak_kind(row->kind)),
        FILLED("blocks", "count", row->count), FILLED("bytes", "bytes", row->bytes),
        CELL(list->scan_count > 1 ? "<process" : NULL, view_process_label(view, row->process)),
        DATA(KNOWN("oldest_ns", row->oldest_ns, row->oldest_ns)),
        DATA(KNOWN("newest_ns", row->newest_ns, row->newest_ns)), MADE("<age", add_age, row),
        DATA_OF("layer", row->layer[0] ? hak_json_text(row->layer) : json_null()),
        CELL("<served by", row->layer), CELL("<where", place),
        DATA(TEXT("fingerprint", row->fingerprint)), DATA(FLAG("is_finding", row->is_finding)),
        DATA(WORD("state", states[row->state])), DATA(NUMBER("stack", row->stack)),
        DATA_OF("frames", hak_json_stack(view->reader, row->stack)));
}

/* The leaks as rows, up to the limit; `more` gets the rows and bytes that it leaves out. */
static struct answer leaks_answer(struct view *view, const struct leaks_list *list, uint64_t limit,
                                  const struct leaks_row *only, uint64_t more[2]) {
    struct answer answer = answer_begin(view, view->json);
    struct leaks_places places = {0};
    for (size_t i = 0; i < list->row_count && (!limit || places.count < limit); i++)
        if (!view->json && is_row(view, &list->rows[i], only))
            leaks_add_place(&places, view, list->rows[i].stack);
    leaks_tell_places_apart(&places, view);
    for (size_t i = 0; i < list->row_count; i++) {
        const struct leaks_row *row = &list->rows[i];
        if (!is_row(view, row, only))
            continue;
        if (!limit || answer.rows < limit) {
            add_leak(&answer, list, row, leaks_place(&places, answer.rows));
            continue;
        }
        more[0]++;
        more[1] += row->bytes;
    }
    leaks_free_places(&places);
    return answer;
}

/* The table, and how much the limit leaves out. */
static void add_table(struct hak_text *text, struct view *view, const struct leaks_list *list,
                      uint64_t limit) {
    uint64_t more[2] = {0};
    struct answer answer = leaks_answer(view, list, limit, NULL, more);
    answer_print(text, &answer);
    if (more[0])
        hak_text_add(text, "... and %s (%s); --limit 0 shows all\n",
                     hak_words_count(more[0], "more line", "more lines"), hak_words_bytes(more[1]));
}

/* The listed leaks' whole stacks. */
static void add_leaked_stacks(struct hak_text *text, struct view *view,
                              const struct leaks_list *list, uint64_t limit) {
    uint64_t shown = 0;
    for (size_t i = 0; i < list->row_count && (!limit || shown < limit); i++) {
        const struct leaks_row *row = &list->rows[i];
        if (!is_listed(view, row))
            continue;
        hak_text_add(text, "\n%u  %s of %s byte(s) in %s object(s) allocated from:\n", row->row,
                     hak_words_leak(row->kind), hak_words_number(row->bytes),
                     hak_words_number(row->count));
        view_add_stack(text, view, row->stack, 6);
        shown++;
    }
}

/* Adds, where nothing is listed, what was looked for, and where. */
static void add_nothing(struct hak_text *text, struct view *view, const struct leaks_list *list) {
    if (list->scan_count == 0) {
        hak_text_add(text, "No leak scan was made in ");
        view_add_extent(text, view);
        hak_text_add(
            text, "%s",
            hak_store_is_kept(view->reader)
                ? ": --allocator keep makes none.\n"
                : ".\n`hakmem-trace run --leaks -- PROGRAM` (or HAKMEM_LEAKS=1) makes one "
                  "when PROGRAM exits;\nHAKMEM_LEAKS_SIGNAL and hak_find_leaks() of hakmem.h "
                  "make one while it runs.\n");
        hak_text_add(text, "`hakmem-trace leaks --held` lists all blocks never freed, reachable or "
                           "not.\n");
        return;
    }
    hak_text_add(text, "No leak in ");
    view_add_extent(text, view);
    hak_text_add(text, ".\n");
    for (size_t i = 0; i < list->scan_count && i < 8; i++)
        add_scan_line(text, view, &list->scans[i]);
}

/* Says what is not shown, and how it can be. */
static void add_remarks(struct hak_text *text, const struct view *view,
                        const struct leaks_list *list) {
    for (size_t i = 0; i < list->row_count; i++) {
        const struct leaks_row *row = &list->rows[i];
        if (row->old_blocks == 0)
            continue;
        hak_text_add(text, "Leak %u is in the baseline, and ", row->row);
        hak_baseline_add_growth(text, row->old_blocks, row->old_bytes, row->all_blocks,
                                row->all_bytes);
        hak_text_add(text, ".\n");
    }
    if (list->known)
        hak_text_add(text, "%s known to the baseline or a suppression not shown.\n",
                     hak_words_count(list->known, "leak", "leaks"));
    if (list->scan_count && view_given(view, "reachable") && list->reachable == 0)
        hak_text_add(text, "Reachable blocks were not recorded: --leaks-reachable=1 (or "
                           "HAKMEM_LEAKS_REACHABLE=1) keeps them.\n");
    else if (list->reachable && !view_given(view, "reachable"))
        hak_text_add(text, "%s still reachable: --reachable shows them.\n",
                     hak_words_count(list->reachable, "block is", "blocks are"));
}

/* Adds a line on what is missing, if a scan could not look at all pieces. */
static void add_missed(struct hak_text *text, const struct view *view) {
    if (!hak_missed_any(&view->summary.missed))
        return;
    view_add_completeness(text, view);
    hak_text_add(text, "\n");
}

/* Prints the leaks as text: the table, with --stacks their stacks, at most 8 scans and remarks;
 * without any, what was looked for. */
static void print_leaks_text(struct view *view, const struct leaks_list *list, uint64_t limit,
                             size_t listed) {
    struct hak_text text = {0};
    if (listed == 0) {
        add_nothing(&text, view, list);
    } else {
        add_table(&text, view, list, limit);
        if (view_given(view, "stacks"))
            add_leaked_stacks(&text, view, list, limit);
        hak_text_add(&text, "\n");
        for (size_t i = 0; i < list->scan_count && i < 8; i++)
            add_scan_line(&text, view, &list->scans[i]);
    }
    add_remarks(&text, view, list);
    if (listed && !view_given(view, "stacks"))
        hak_text_add(&text, "hakmem-trace leaks N shows the whole stack of leak N.\n");
    add_missed(&text, view);
    view_start_pager(view);
    view_print(&text);
}

/* ---- as JSON --------------------------------------------------------------------------------- */

/* A scan of leaks as JSON. */
static json_t *scan_json(struct view *view, const struct leaks_scan *scan) {
    return hak_json_object(
        NUMBER("row", scan->row), NUMBER("process", scan->process),
        NUMBER("pid", hak_lookup_pid(view->reader, scan->process)), NUMBER("ns", scan->ns),
        TEXT("reason", scan->reason), NUMBER("live_blocks", scan->live_blocks),
        NUMBER("live_bytes", scan->live_bytes), NUMBER("lost_blocks", scan->lost_blocks),
        NUMBER("known_blocks", scan->known_blocks), NUMBER("microseconds", scan->microseconds),
        FLAG("is_error", scan->is_error), TEXT("notes", scan->notes));
}

/* Prints the leaks that are asked for, or `only` one and the scan that found it, as JSON. */
static void print_leaks_json(struct view *view, const struct leaks_list *list, uint64_t limit,
                             const struct leaks_row *only) {
    uint64_t more[2] = {0};
    json_t *scans = json_array();
    for (size_t i = 0; i < list->scan_count; i++)
        if (!only || only->scan == list->scans[i].row)
            json_array_append_new(scans, scan_json(view, &list->scans[i]));
    json_t *leaks = leaks_answer(view, list, limit, only, more).list;
    view_start_pager(view);
    view_print_document(view, hak_json_set(view_json_document(view), JSON("scans", scans),
                                           JSON("leaks", leaks), NUMBER("left_out", more[0])));
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Prints for `leaks N` the leak's whole stack, process, age, layer and fingerprint. */
static void print_one(struct view *view, const struct leaks_list *list,
                      const struct leaks_row *row) {
    struct hak_text text = {0}, age = {0};
    add_age(&age, row);
    hak_text_add(&text, "%s of %s byte(s) in %s object(s) allocated from:\n",
                 hak_words_leak(row->kind), hak_words_number(row->bytes),
                 hak_words_number(row->count));
    view_add_stack(&text, view, row->stack, 6);
    hak_text_add(&text, "\n  PROCESS           ");
    view_add_process(&text, view, row->process);
    if (age.bytes)
        hak_text_add(&text, "\n  AGE               %s when the scan was made, at %s", age.bytes,
                     hak_words_time(row->ns));
    if (row->layer[0])
        hak_text_add(&text, "\n  SERVED BY         %s", row->layer);
    hak_text_add(&text, "\n  FINGERPRINT       %s\n", row->fingerprint);
    for (size_t i = 0; i < list->scan_count; i++)
        if (list->scans[i].row == row->scan && list->scans[i].notes[0])
            hak_text_add(&text, "  COMPLETENESS      %s\n", list->scans[i].notes);
    add_missed(&text, view);
    view_start_pager(view);
    view_print(&text);
    hak_text_free(&age);
}

/* leaks N: prints that leak. Returns the exit status. */
static int show_one(struct view *view, const struct leaks_list *list) {
    char *end;
    const char *which = view->argument[0] + (view->argument[0][0] == 'L');
    unsigned long number = strtoul(which, &end, 10);
    for (size_t i = 0; i < list->row_count && !*end; i++) {
        if (list->rows[i].row != number)
            continue;
        if (view->json)
            print_leaks_json(view, list, 0, &list->rows[i]);
        else
            print_one(view, list, &list->rows[i]);
        return hak_missed_any(&view->summary.missed) ? VIEW_INCOMPLETE : VIEW_OK;
    }
    view_error("leaks %s: the number of a leak was expected, as `hakmem-trace leaks` lists them",
               view->argument[0]);
    return VIEW_USAGE;
}

/* The exit status: VIEW_FAULT if a new leak counts as a finding; VIEW_INCOMPLETE where a scan could
 * not look at all pieces; without any scan that of the capture's completeness. */
static int status_of(const struct view *view, const struct leaks_list *list) {
    for (size_t i = 0; i < list->row_count; i++)
        if (list->rows[i].is_finding && list->rows[i].state == FINDING_NEW)
            return VIEW_FAULT;
    if (list->scan_count && hak_missed_any(&view->summary.missed))
        return VIEW_INCOMPLETE;
    return list->scan_count ? VIEW_OK : view_completeness(view);
}

int command_leaks(struct view *view) {
    struct leaks_list list;
    uint64_t limit = LIMIT;
    size_t listed = 0;
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_read_number(view, "limit", &limit))
        return VIEW_USAGE;
    if (view_given(view, "at") && !view_given(view, "held")) {
        view_error("--at needs --held; scans are listed by `select * from leak_scan` and "
                   "chosen by --scan N");
        return VIEW_USAGE;
    }
    if (view_given(view, "held"))
        return leaks_held(view, limit);
    status = leaks_read(view, &list);
    for (size_t i = 0; i < list.row_count; i++)
        listed += is_listed(view, &list.rows[i]);
    if (status == 0 && view->argument_count > 0) {
        status = show_one(view, &list);
    } else if (status == 0) {
        if (view->json)
            print_leaks_json(view, &list, limit, NULL);
        else
            print_leaks_text(view, &list, limit, listed);
        status = status_of(view, &list);
    }
    leaks_free(&list);
    return status;
}

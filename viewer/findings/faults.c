/* `faults`: what went wrong, one line each; `faults N`: the whole report as it was printed; and the
 * baseline that is made of it. */
#include "viewer/findings/fault_stacks.h"
#include "viewer/findings/findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

/* A leak's headline and its stacks. */
static void add_leak(struct hak_text *text, const struct finding *one) {
    hak_text_add(text, "%s\n", one->headline);
    for (int k = 0; k < one->stack_count && one->stacks[k].frames.count > 0; k++)
        for (int f = 0; f < one->stacks[k].frames.count; f++) {
            hak_text_add(text, "    #%-2d ", f);
            hak_words_add_frame(text, &one->stacks[k].frames.frame[f], 30, 2);
            hak_text_add(text, "\n");
        }
}

/* Adds the whole report, or the line of one that was never finished. */
static void add_report(struct hak_text *text, const char *report, const char *summary) {
    size_t length = strlen(report);
    hak_text_add_lines(text, length > 0 ? report : summary);
    if (length == 0 || report[length - 1] != '\n')
        hak_text_add(text, "\n");
}

void finding_add_report(struct hak_text *text, const struct view *view,
                        const struct finding *finding) {
    struct hak_text lines = {0};
    if (finding->kind == FINDING_LEAK)
        add_leak(&lines, finding);
    else
        add_report(&lines, finding->report, finding->summary);
    view_add_report(text, view, &lines);
}

/* Prints one leak: `faults L3`. */
static int show_leak(struct view *view, const char *which) {
    struct findings findings;
    char *end;
    unsigned long number = strtoul(which + 1, &end, 10);
    int status = VIEW_USAGE;
    if (!findings_gather(view, 0, &findings))
        return VIEW_UNREADABLE;
    for (size_t i = 0; i < findings.count && !*end; i++) {
        const struct finding *one = &findings.list[i];
        if (one->kind != FINDING_LEAK || one->row != number)
            continue;
        struct hak_text text = {0};
        add_leak(&text, one);
        view_start_pager(view);
        view_print_report(view, &text);
        status = VIEW_FAULT;
    }
    findings_free(&findings);
    if (status == VIEW_USAGE)
        view_error("faults %s: no leak of this number counts as a fault; `hakmem-trace leaks` "
                   "lists all",
                   which);
    return status;
}

/* Prints the stored report. Returns the exit status. */
static int print_report(const struct view *view, const char *report, const char *summary) {
    struct hak_text text = {0};
    add_report(&text, report, summary);
    return view_print_report(view, &text) ? VIEW_FAULT : VIEW_UNREADABLE;
}

/* Prints a fault's report with whole stacks. */
static int print_report_stacks(const struct view *view, const char *report, const char *json,
                               unsigned long number) {
    struct hak_text text = {0};
    if (!report[0]) {
        view_error("faults %lu: its report was never finished; without --stacks its line is shown",
                   number);
        return VIEW_INCOMPLETE;
    }
    if (!fault_stacks_add(&text, report, json)) {
        view_error("faults %lu: its JSON, which has the stacks, is damaged; without --stacks its "
                   "text is shown",
                   number);
        return VIEW_UNREADABLE;
    }
    return view_print_report(view, &text) ? VIEW_FAULT : VIEW_UNREADABLE;
}

/* Prints a fault's stored JSON, written anew: what lies in the store may be anything. */
static int print_report_json(const char *stored, unsigned long number) {
    if (!stored[0]) {
        view_error("faults %lu: its report was never finished; without --json its line is shown",
                   number);
        return VIEW_INCOMPLETE;
    }
    json_t *document = json_loads(stored, 0, NULL);
    if (!document) {
        view_error("faults %lu: its JSON is damaged; without --json its text is shown", number);
        return VIEW_UNREADABLE;
    }
    return view_print_json(hak_json_print(document)) ? VIEW_FAULT : VIEW_UNREADABLE;
}

/* faults N: prints that fault's report, or a leak's for LN (as text alone). Returns VIEW_FAULT when
 * it is printed, else the status of the error that was said. */
static int show_report(struct view *view, const char *which) {
    char *end;
    unsigned long number = strtoul(which, &end, 10);
    if (which[0] == 'L' && which[1] >= '0' && which[1] <= '9' && !view->json)
        return show_leak(view, which);
    if (which[0] < '0' || which[0] > '9' || *end) {
        view_error("faults %s: the number of a fault was expected, as `hakmem-trace faults` lists "
                   "them",
                   which);
        return VIEW_USAGE;
    }
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT report, json, summary FROM fault WHERE id = ?1", "reading faults", number);
    if (!hak_query_next(&q)) {
        int unread = view_end_query(view, &q, true);
        if (unread)
            return unread;
        view_error("faults %lu: %s holds %s", number, view->store_path,
                   hak_words_count(view->summary.faults, "fault", "faults"));
        return VIEW_USAGE;
    }
    view_start_pager(view);
    const char *report = hak_query_text(&q, 0), *json = hak_query_text(&q, 1);
    int status = view->json                   ? print_report_json(json, number)
                 : view_given(view, "stacks") ? print_report_stacks(view, report, json, number)
                                              : print_report(view, report, hak_query_text(&q, 2));
    hak_query_end(&q);
    return status;
}

/* Adds the finding's place, which stands in the summary behind the fault's name. */
static void add_where(struct hak_text *text, const struct finding *one) {
    const char *place = strstr(one->summary, one->name);
    place = place ? place + strlen(one->name) + strspn(place + strlen(one->name), " ") : "";
    static const char from[] = "of a block from ";
    const char *stop = strstr(place, one->code ? " hop=" : " signal=");
    const char *found = strstr(place, " found=");
    struct hak_text cut = {0};
    if (strncmp(place, from, sizeof from - 1) == 0 && stop) {
        hak_text_add(&cut, "allocated ");
        place += sizeof from - 1;
    }
    hak_text_add(&cut, "%.*s", stop ? (int)(stop - place) : (int)strlen(place), place);
    if (found && one->code)
        hak_text_add(&cut, ", found at %.*s", (int)strcspn(found + 7, " "), found + 7);
    if (one->kind == FINDING_LEAK) {
        hak_text_add(text, "%s in ", hak_words_bytes(one->bytes));
        hak_text_add(text, "%s of ", hak_words_count(one->blocks, "block", "blocks"));
        finding_add_place(text, one);
        finding_add_growth(text, one);
    } else {
        hak_text_add_name(text, hak_text_string(&cut));
    }
    hak_text_free(&cut);
}

/* The number of a fault, with an L that of a leak. */
static void add_number(struct hak_text *text, const struct finding *one) {
    char number[16];
    snprintf(number, sizeof number, "%s%u", one->kind == FINDING_LEAK ? "L" : "", one->row);
    hak_text_add(text, "%5s", number);
}

/* The code and name, or "crash". */
static void add_what(struct hak_text *text, const struct view *view, const struct finding *one) {
    if (one->code)
        hak_text_add(text, "%sHKM-%u %s%s", view_style(view, VIEW_RED), one->code, one->name,
                     view_style(view, VIEW_PLAIN));
    else
        hak_text_add(text, "crash");
}

/* The finding's stacks below its row. */
static void add_fault_stacks(struct table *table, struct view *view, const struct finding *one) {
    struct hak_text text = {0};
    for (int i = 0; i < one->stack_count; i++) {
        hak_text_add(&text, "       %s:\n", one->stacks[i].title);
        view_add_frames(&text, view, &one->stacks[i].frames, 9);
    }
    table_add_below(table, &text);
}

static json_t *stacks_json(const struct finding *one) {
    json_t *array = json_array();
    for (int i = 0; i < one->stack_count; i++)
        hak_json_add(array, WORD("title", one->stacks[i].title),
                     JSON("frames", hak_json_frames(&one->stacks[i].frames)));
    return array;
}

/* Adds the finding's row, with --stacks its stacks. Headings are as wide as their columns. */
static void add_fault(struct answer *answer, const struct finding *one) {
    static const char *const kinds[] = {"fault", "leak", "crash"};
    static const char *const states[] = {"new", "baseline", "suppressed"};
    struct view *view = answer->view;
    bool is_leak = one->kind == FINDING_LEAK, with_stacks = view_given(view, "stacks");
    const char *thread = view_thread_label(view, one->thread);
    answer->table.is_fixed = true;
    answer_row(
        answer, MADE("<fault", add_number, one), DATA(NUMBER("row", one->row)),
        DATA(WORD("kind", kinds[one->kind])),
        DATA_OF("code", one->code ? json_sprintf("HKM-%u", one->code) : json_null()),
        DATA(WORD("name", one->name)), MADE("<what                         ", add_what, view, one),
        DATA(TEXT("fingerprint", one->fingerprint)), DATA(WORD("state", states[one->state])),
        DATA(NUMBER("event", one->event)),
        CELL("<event       ", is_leak ? "-" : hak_words_number(one->event)),
        UNIT("<time      ", hak_words_time, "ns", one->ns), DATA(NUMBER("process", one->process)),
        CELL("<process", view_process_label(view, one->process)), DATA(NUMBER("pid", one->pid)),
        DATA(TEXT("thread", thread)), CELL("<thread    ", is_leak ? "-" : thread),
        DATA(TEXT("headline", one->headline)), DATA(TEXT("summary", one->summary)),
        CELL("<fingerprint             ", one->fingerprint), MADE("<where", add_where, one),
        DATA(NUMBER(is_leak ? "blocks" : NULL, one->blocks)),
        DATA(NUMBER(is_leak ? "bytes" : NULL, one->bytes)),
        DATA_IF(with_stacks, "stacks", stacks_json(one)));
    if (with_stacks && !answer->list)
        add_fault_stacks(&answer->table, view, one);
}

/* The fingerprints that the baseline holds in vain. */
static json_t *stale_json(struct view *view, const struct findings *findings) {
    json_t *stale = json_array();
    const struct hak_baseline_entry *entry;
    for (size_t at = 0; (entry = findings_next_stale(view, findings, &at));)
        json_array_append_new(stale, hak_json_text(entry->fingerprint));
    return stale;
}

/* Adds "2 leaks: ..." of those that are reported only and not known, with the command that lists
 * them. */
static void add_reported_leaks(struct hak_text *text, const struct findings *findings) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->list[i].is_reported_only && findings->list[i].state == FINDING_NEW;
    if (count > 0)
        hak_text_add(text, "%s: `hakmem-trace leaks` lists %s. ",
                     hak_words_count(count, "leak", "leaks"), count == 1 ? "it" : "them");
}

/* Says that nothing was found, or has a report, and where. */
static void print_nothing(struct view *view, uint32_t process, const struct findings *findings,
                          uint64_t unreported) {
    struct hak_text text = {0};
    size_t known = findings_count_known(findings);
    hak_text_add(&text, unreported > 0 ? "No report of a fault in "
                        : known > 0    ? "No new fault in "
                                       : "No fault in ");
    view_add_extent_of(&text, view, process);
    hak_text_add(&text, ". ");
    if (unreported > 0) {
        view_add_unreported(&text, view, unreported);
        hak_text_add(&text, ". ");
    }
    add_reported_leaks(&text, findings);
    view_add_completeness(&text, view);
    hak_text_add(&text, "\n");
    view_print(&text);
}

/* Prints the number of known findings, and the known ones that are gone. */
static void print_known(struct view *view, const struct findings *findings) {
    const struct hak_baseline_entry *entry;
    size_t known = findings_count_known(findings), gone = 0;
    if (known > 0)
        view_write(stdout, "\n%s known.\n", hak_words_count(known, "finding is", "findings are"));
    for (size_t at = 0; (entry = findings_next_stale(view, findings, &at)); gone++)
        view_write(stdout, "%s  %s  %s %s\n",
                   gone > 0 ? ""
                            : "\nIn the baseline, but not found any more (--write-baseline with "
                              "--prune removes them):\n",
                   entry->fingerprint, entry->name, entry->place);
}

/* Prints the table, what is known, and how to see more. */
static void print_faults(struct view *view, uint32_t process, const struct findings *findings,
                         struct answer *answer, uint64_t unreported) {
    struct hak_text text = {0};
    view_start_pager(view);
    answer_print(&text, answer);
    view_print(&text);
    if (answer->rows == 0)
        print_nothing(view, process, findings, unreported);
    print_known(view, findings);
    if (answer->rows > 0)
        view_write(stdout, "\nhakmem-trace faults N shows the whole report of fault N.\n");
    if (answer->rows > 0 && unreported > 0) {
        struct hak_text more = {0};
        view_add_unreported(&more, view, unreported);
        hak_text_add(&more, ".\n");
        view_print(&more);
    }
    if (answer->rows > 0) {
        struct hak_text leaks = {0};
        add_reported_leaks(&leaks, findings);
        if (leaks.length > 0)
            view_write(stdout, "%.*s\n", (int)leaks.length - 1, hak_text_string(&leaks));
        hak_text_free(&leaks);
    }
}

/* Prints the faults: as text only the new ones. Returns the exit status, VIEW_FAULT if any is
 * new or has no report. */
static int list_faults(struct view *view, uint32_t process, const struct findings *findings) {
    uint64_t unreported, leaks = 0;
    int error = view_count_unreported(view, process, &unreported), scanned = 0;
    bool has_new = false;
    for (size_t i = 0; i < findings->count; i++)
        has_new |= finding_is_new(&findings->list[i]);
    if (error && (view->json || !has_new)) /* else the reports can be told */
        return error;
    if (view->json && (scanned = view_count_leaks(view, process, &leaks)) < 0)
        return VIEW_UNREADABLE;
    struct answer answer = answer_begin(view, view->json);
    for (size_t i = 0; i < findings->count; i++)
        if (!findings->list[i].is_reported_only &&
            (view->json || finding_is_new(&findings->list[i])))
            add_fault(&answer, &findings->list[i]);
    if (view->json)
        view_print_document(
            view, hak_json_set(view_json_document(view), JSON("faults", answer.list),
                               KNOWN("leaks", scanned, leaks), NUMBER("unreported", unreported),
                               JSON("stale", stale_json(view, findings))));
    else
        print_faults(view, process, findings, &answer, unreported);
    return has_new || unreported > 0 ? VIEW_FAULT : view_completeness(view);
}

/* Prints the new findings, with their stacks, as lines for an editor, and says on stderr that
 * faults have no report. Returns VIEW_FAULT if there are any of both; else says how complete the
 * capture is and returns that status. */
static int list_quickfix(struct view *view, const struct findings *findings) {
    struct hak_text text = {0}, more = {0};
    uint64_t unreported;
    int error = view_count_unreported(view, 0, &unreported);
    if (error)
        return error;
    findings_add_quickfix(&text, view, findings);
    bool any = text.length > 0 || unreported > 0;
    view_print(&text);
    if (unreported > 0) {
        view_add_unreported(&more, view, unreported);
        view_error("faults: %s", hak_text_string(&more));
        hak_text_free(&more);
    }
    return any ? VIEW_FAULT : view_say_completeness(view);
}

/* ---- baselines ---------------------------------------------------------------------------------
 */

/* Adds the finding to the baseline. False without memory. */
static bool add_entry(struct hak_baseline *to, const struct finding *one, const char *day) {
    struct hak_text place = {0};
    finding_add_place(&place, one);
    bool added = hak_baseline_add(to, one->fingerprint, one->name, hak_text_string(&place),
                                  one->program, day);
    hak_text_free(&place);
    return added;
}

/* Notes how much a leak lost: the most that any process did, in this capture and in those that
 * were added before; `is_anew`: forgets what is known from before. */
static void note_leak(const struct findings *findings, const struct finding *one,
                      struct hak_baseline_entry *entry, bool is_anew) {
    uint64_t blocks, bytes;
    if (one->kind != FINDING_LEAK)
        return;
    findings_add_up_leak(findings, one, &blocks, &bytes);
    if (!is_anew && blocks < entry->blocks)
        blocks = entry->blocks;
    if (!is_anew && bytes < entry->bytes)
        bytes = entry->bytes;
    hak_baseline_set_leak(entry, blocks, bytes);
}

bool findings_add_to_baseline(const struct findings *findings, struct hak_baseline *to,
                              bool is_anew, size_t *added) {
    char day[16] = "";
    time_t now = time(NULL);
    struct tm when;
    if (gmtime_r(&now, &when))
        strftime(day, sizeof day, "%Y-%m-%d", &when);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (one->kind == FINDING_CRASH || one->state == FINDING_SUPPRESSED)
            continue;
        struct hak_baseline_entry *entry = hak_baseline_find(to, one->fingerprint);
        bool was_seen = !entry || entry->seen;
        if (!entry && !add_entry(to, one, day)) {
            view_error("out of memory");
            return false;
        }
        *added += !entry;
        entry = hak_baseline_find(to, one->fingerprint);
        note_leak(findings, one, entry, is_anew && !was_seen);
        entry->seen = true;
    }
    return true;
}

/* --write-baseline: adds the findings, with --prune removes old ones, and says how many. Returns
 * the exit status. */
static int write_baseline(struct view *view, const struct findings *findings) {
    static char error[1024];
    const char *path = view_value(view, "write-baseline");
    size_t added = 0, gone = 0;
    struct hak_baseline *to = hak_baseline_load(path, true, error, sizeof error);
    bool good = to && findings_add_to_baseline(findings, to, view_given(view, "prune"), &added);
    if (good && view_given(view, "prune"))
        gone = hak_baseline_prune(to, findings_has_run, view);
    if (good && !hak_baseline_write(to, error, sizeof error))
        good = false;
    if (!good && error[0])
        view_error("%s", error);
    if (good && view->json) {
        view_print_json(hak_json_print(hak_json_set(
            view_json_document(view), TEXT("baseline", path), NUMBER("entries", to->count),
            NUMBER("added", added), NUMBER("pruned", gone))));
    } else if (good) {
        struct hak_text text = {0};
        hak_text_add(&text, "%s: %s, %s new", path,
                     hak_words_count(to->count, "finding", "findings"), hak_words_number(added));
        if (view_given(view, "prune"))
            hak_text_add(&text, ", %s removed", hak_words_number(gone));
        hak_text_add(&text, "\n");
        view_print(&text);
    }
    hak_baseline_free(to);
    return good ? VIEW_OK : VIEW_USAGE;
}

/* Gathers the findings and writes them as the options say: a baseline, quickfix lines, JSON or
 * text. Returns the exit status. */
static int write_findings(struct view *view) {
    struct findings findings;
    uint32_t process;
    if (!view_choose_process(view, &process))
        return view_question_status();
    if (!findings_gather(view, process, &findings) ||
        !findings_gather_reported(view, process, &findings)) {
        findings_free(&findings);
        return VIEW_UNREADABLE;
    }
    int status = VIEW_USAGE;
    if (findings_compare(view, &findings))
        status = view_given(view, "write-baseline") ? write_baseline(view, &findings)
                 : view_given(view, "quickfix")     ? list_quickfix(view, &findings)
                                                    : list_faults(view, process, &findings);
    findings_free(&findings);
    return status;
}

int command_faults(struct view *view) {
    if (view_given(view, "prune") && !view_given(view, "write-baseline")) {
        view_error("faults --prune needs --write-baseline FILE");
        return VIEW_USAGE;
    }
    if (view_given(view, "quickfix") &&
        (view->json || view->argument_count > 0 || view_given(view, "write-baseline"))) {
        view_error("faults --quickfix lists all new findings: leave out %s",
                   view->json                 ? "--json"
                   : view->argument_count > 0 ? "N"
                                              : "--write-baseline");
        return VIEW_USAGE;
    }
    int status = view_open(view);
    if (status != 0)
        return status;
    if (view->argument_count > 0)
        return show_report(view, view->argument[0]);
    return write_findings(view);
}

/* The output of `hunt`: a line for each run, the report of the best one, JSON. */
#include "viewer/hunt/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/bytes.h"
#include "report/words/words.h"

void hunt_add_plan(struct hak_text *text, const struct hunt_plan *plan) {
    if (plan->blocks == HUNT_NONE) {
        hak_text_add(text, "level normal");
        return;
    }
    if (plan->blocks == HUNT_ALL)
        hak_text_add(text, "every block guarded");
    else if (plan->frames)
        hak_text_add(text, "blocks of its %d innermost frames guarded", plan->frames);
    else
        hak_text_add(text, "blocks of that stack guarded");
    if (plan->size)
        hak_text_add(text, ", those of %s", hak_words_count(plan->size, "byte", "bytes"));
    if (plan->from)
        hak_text_add(text, ", from number %s on", hak_words_number(plan->from));
    hak_text_add(text, plan->is_before ? ", at their start"
                       : plan->is_byte ? ", at their end, to the byte"
                       : plan->blocks == HUNT_ALL && !plan->is_size
                           ? ", at their end, at multiples of 16"
                           : ", at their end");
    if (plan->is_watched)
        hak_text_add(text, ", the bytes behind them watched");
}

static const char *name_of_sight(enum hunt_sight sight) {
    static const char *const names[] = {"nothing", "crash", "damage",     "symptom",
                                        "call",    "hop",   "instruction"};
    return names[sight];
}

static void add_ending(struct hak_text *text, const struct hunt *hunt, const struct hunt_run *run) {
    if (run->timed_out)
        hak_text_add(text, "the program was ended after %s",
                     hak_words_count(hunt->timeout_s, "second", "seconds"));
    else if (run->program_signal)
        hak_text_add(text, "the program ended by %s",
                     hak_words_signal((unsigned)run->program_signal));
    else
        hak_text_add(text, "the program ended with status %d", run->program_status);
}

/* Adds the processes that the program left behind. */
static void add_left(struct hak_text *text, const struct hunt_run *run) {
    if (run->left_ended > 0)
        hak_text_add(text, "; %s that it left behind %s ended: %s",
                     hak_words_count(run->left_ended, "process", "processes"),
                     run->left_ended == 1 ? "was" : "were", run->left_names);
    if (run->left_running > 0)
        hak_text_add(text, "; %s that it left behind could not be ended%s%s",
                     hak_words_count(run->left_running, "process", "processes"),
                     run->left_ended ? "" : ": ", run->left_ended ? "" : run->left_names);
}

/* True when there is no place, or the headline names its line. */
static bool has_place(const struct hunt_fault *fault) {
    const char *line = fault->place ? strrchr(fault->place, ' ') : NULL;
    return !line || strstr(fault->headline, line + 1);
}

/* Ends the program's last line, behind which what is said next would stand. */
static void begin_line(struct hunt *hunt) {
    if (hunt->owes_line)
        hak_begin_line(STDERR_FILENO);
    hunt->owes_line = false;
}

void hunt_say_run(struct hunt *hunt, const struct hunt_run *run) {
    const struct hunt_fault *fault = &run->fault;
    struct hak_text text = {0};
    if (view_given(hunt->view, "quiet"))
        return;
    begin_line(hunt);
    hak_text_add(&text, "hakmem: run %d, ", hunt->runs);
    hunt_add_plan(&text, &run->plan);
    hak_text_add(&text, ": ");
    if (!run->is_recorded) {
        hak_text_add(&text, "not recorded");
    } else if (fault->sight == HUNT_NOTHING) {
        hak_text_add(&text, "no fault; ");
        add_ending(&text, hunt, run);
    } else {
        hak_text_add(&text, "%s", fault->headline);
        if (hunt_is_settled(fault) && !has_place(fault))
            hak_text_add(&text, ", at %s", fault->place);
        if (fault->sight == HUNT_CRASH && run->plan.is_byte && !hunt->bears_byte)
            hak_text_add(&text, "; it may be that the program does not bear odd addresses");
        if (fault->sight == HUNT_CRASH && run->plan.is_size && hunt->needs_16)
            hak_text_add(&text, "; it may be that the program needs multiples of 16");
    }
    if (run->left > 0)
        hak_text_add(&text, "; %s had no room", hak_words_count(run->left, "block", "blocks"));
    if (run->unwatched)
        hak_text_add(&text, "; no debug register watched: %s", run->unwatched);
    add_left(&text, run);
    hak_text_add(&text, "\n");
    view_print_to(stderr, &text);
}

static void add_statistics(struct hak_text *text, const struct hunt *hunt) {
    if (hunt->runs > 1)
        hak_text_add(text, "seen in %d of %s", hunt_seen(hunt),
                     hak_words_count((uint64_t)hunt->runs, "run", "runs"));
    else
        hak_text_add(text, "%s", hunt_seen(hunt) ? "seen in the first run" : "1 run");
}

static const char *end_words(const struct hunt_fault *best) {
    switch (best->sight) {
    case HUNT_INSTRUCTION:
        return "the instruction is named";
    case HUNT_CALL:
        return "the call is named";
    case HUNT_HOP:
        return "the move is named";
    case HUNT_SYMPTOM:
        return "a call at overwritten bytes is named, not who wrote them";
    case HUNT_DAMAGE:
        return "the block is named, not the instruction";
    case HUNT_CRASH:
        return "a crash without a fault of the heap";
    case HUNT_NOTHING:
        break;
    }
    return "no fault was found";
}

/* The report as it was printed, out of the store. */
static void print_report(const struct hunt *hunt, FILE *to) {
    struct view seen = *hunt->view;
    seen.reader = NULL;
    seen.store_path = NULL;
    if (hak_store_open(hunt->best_store, &seen.reader) == 0) {
        char *report = hak_database_text(hak_store_database(seen.reader),
                                         "SELECT report FROM fault WHERE id = ?1", hunt->best.row);
        struct hak_text text = {0};
        hak_text_add_lines(&text, report ? report : hunt->best.headline);
        if (text.length > 0 && text.bytes[text.length - 1] != '\n')
            hak_text_add(&text, "\n");
        if (hak_color_is_wanted(hunt->view->color_when, fileno(to))) {
            struct hak_text colored = {0};
            hak_color_report(&colored, hak_text_string(&text));
            hak_text_free(&text);
            text = colored;
        }
        view_print_to(to, &text);
        free(report);
    }
    view_close(&seen);
}

/* Prints the report of the best fault, then unless --quiet how the hunt ended, its runs and where
 * the store lies. All on stderr; no report with --json. */
void hunt_say_end(struct hunt *hunt) {
    struct hak_text text = {0};
    if (hunt->best.sight != HUNT_NOTHING && !hunt->view->json) {
        begin_line(hunt);
        print_report(hunt, stderr);
    }
    if (view_given(hunt->view, "quiet"))
        return;
    if (hunt->symptom && hunt->best.sight != HUNT_SYMPTOM)
        hak_text_add(&text, "hakmem: it showed as: %s\n", hunt->symptom);
    hak_text_add(&text, "hakmem: %s; ", end_words(&hunt->best));
    add_statistics(&text, hunt);
    if (hunt->best_run > 0)
        hak_text_add(&text, "; run %d: %s", hunt->best_run, view_path_from_here(hunt->store));
    else if (hunt->best.sight != HUNT_NOTHING)
        hak_text_add(&text, "; as in %s", view_path_from_here(hunt->best_store));
    hak_text_add(&text, "\n");
    view_print_to(stderr, &text);
}

void hunt_add_run_json(struct hunt *hunt, const struct hunt_run *run) {
    static const char *const blocks[] = {"none", "all", "only"};
    const struct hunt_fault *fault = &run->fault;
    hak_json_add(
        hunt->list, NUMBER("run", (uint64_t)hunt->runs), WORD("guard", blocks[run->plan.blocks]),
        WORD("side", run->plan.is_before ? "before" : "after"),
        JSON("align",
             run->plan.is_size ? json_string("size") : json_integer(run->plan.is_byte ? 1 : 16)),
        FLAG("watched", run->plan.is_watched && !run->unwatched), NUMBER("guarded", run->guarded),
        NUMBER("not_guarded", run->left), NUMBER("program_status", (uint64_t)run->program_status),
        FLAG("timed_out", run->timed_out), NUMBER("left_ended", run->left_ended),
        NUMBER("left_running", run->left_running), WORD("found", name_of_sight(fault->sight)),
        JSON("code", fault->code ? json_sprintf("HKM-%u", fault->code) : json_null()),
        JSON("headline", fault->headline ? hak_json_text(fault->headline) : json_null()));
}

static json_t *report_json(const struct hunt *hunt) {
    struct hak_store_reader *reader = NULL;
    json_t *document = NULL;
    if (hunt->best.sight != HUNT_NOTHING && hak_store_open(hunt->best_store, &reader) == 0) {
        char *text = hak_database_text(hak_store_database(reader),
                                       "SELECT json FROM fault WHERE id = ?1", hunt->best.row);
        document = text ? json_loads(text, 0, NULL) : NULL;
        free(text);
        hak_store_close(reader);
    }
    return document ? document : json_null();
}

bool hunt_print_json(struct hunt *hunt, int status) {
    struct view named = {.command = hunt->view->command};
    json_t *document = view_json_document(&named);
    hak_json_set(document,
                 JSON("store", hunt->best_store ? hak_json_text(hunt->best_store) : json_null()));
    json_object_set(document, "runs", hunt->list);
    return view_print_json(hak_json_print(
        hak_json_set(document, NUMBER("seen", (uint64_t)hunt_seen(hunt)),
                     NUMBER("best_run", (uint64_t)hunt->best_run),
                     WORD("found", name_of_sight(hunt->best.sight)),
                     JSON("report", report_json(hunt)), NUMBER("status", (uint64_t)status))));
}

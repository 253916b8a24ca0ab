/* The command `reduce`: the fault, the first sequence that gives it again, the shortest one. */
#include "viewer/reduce/reduce.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "report/words/words.h"
#include "viewer/record/record.h"
#include "viewer/reduce/parts.h"

enum { RUN_MS = 10000, TIME_S = 300 };

/* A step of the answer, and where the function of the program stands behind it. */
enum { FUNCTION_COLUMN = 32 };

/* ---- the answer --------------------------------------------------------------------------------
 */

static bool write_program(const struct reduction *r, const char *path, const struct seen *seen) {
    struct hak_text text = {0};
    program_add(&text, r, &r->best, seen);
    bool good = !text.failed && view_sink_write_file(path, text.bytes);
    if (text.failed)
        view_error("reduce: out of memory");
    hak_text_free(&text);
    return good;
}

static json_t *steps_json(const struct sequence *sequence) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < sequence->count; i++) {
        const struct step *s = &sequence->step[i];
        hak_json_append(
            list, hak_json_object(
                      NUMBER("thread", s->made.thread), WORD("verb", sequence_word(s->made.verb)),
                      NUMBER("block", s->made.block), JSON("a", json_integer(s->made.a)),
                      JSON("b", json_integer(s->made.b)), TEXT("function", s->function)));
    }
    return list;
}

/* The variables of a run, without a blank behind them. */
static void add_variables(struct hak_text *text, const struct reduction *r) {
    setting_add(text, &r->setting);
    if (text->length > 0 && text->bytes[text->length - 1] == ' ')
        text->bytes[--text->length] = '\0';
}

/* Why the reducing ended early, for people; NULL: it did not. */
static const char *stop_of(const struct reduction *r) {
    return r->stopped == STOP_NOT    ? NULL
           : r->stopped == STOP_TIME ? "the time was over (--time)"
           : r->stopped == STOP_RUN  ? r->complaint
                                     : "it was interrupted";
}

static bool print_document(const struct reduction *r, uint64_t row, const struct seen *seen) {
    struct hak_text variables = {0};
    add_variables(&variables, r);
    json_t *document = view_json_document(r->view);
    hak_json_set(document, NUMBER("fault", row), NUMBER("code", r->wanted.code),
                 TEXT("hop", r->wanted.hop), NUMBER("runs", r->runs),
                 NUMBER("runs_ended", r->runs_ended), JSON("shortest", json_boolean(!r->stopped)),
                 JSON("stopped", r->stopped ? hak_json_text(stop_of(r)) : json_null()),
                 TEXT("variables", hak_text_string(&variables)),
                 JSON("steps", steps_json(&r->best)));
    if (seen)
        hak_json_set(document,
                     JSON("program", hak_json_object(TEXT("hakmem", seen->hakmem),
                                                     TEXT("address_sanitizer", seen->sanitizer),
                                                     TEXT("glibc", seen->libc),
                                                     TEXT("glibc_checks", seen->libc_checks))));
    hak_text_free(&variables);
    return view_print_document(r->view, document);
}

static bool print(const struct reduction *r, const struct seen *seen) {
    struct hak_text text = {0};
    if (r->check)
        hak_text_add(&text, "The test holds: ");
    else
        hak_text_add(&text, "HKM-%u at %s: ", r->wanted.code, r->wanted.hop);
    hak_text_add(&text, "%s, ", hak_words_count(r->best.count, "step", "steps"));
    hak_text_add(&text, "%s", hak_words_count(r->runs, "run", "runs"));
    if (r->runs_ended)
        hak_text_add(&text, " (%s ended by the time limit)", hak_words_number(r->runs_ended));
    hak_text_add(&text, ", %.1f s\n", r->seconds);
    for (uint32_t i = 0; i < r->best.count; i++) {
        const struct step *step = &r->best.step[i];
        sequence_add_step(&text, step);
        if (step->function[0])
            hak_text_add_at(&text, FUNCTION_COLUMN, "in %s", step->function);
        hak_text_add(&text, "\n");
    }
    if (!r->check) {
        struct hak_text variables = {0};
        add_variables(&variables, r);
        hak_text_add(&text, "Variables: HAKMEM_CHECK=normal%s%s\n", variables.length ? " " : "",
                     hak_text_string(&variables));
        hak_text_free(&variables);
    }
    if (r->setting.inject)
        hak_text_add(&text, "%s\n", REDUCE_INJECTED);
    if (seen) {
        hak_text_add(&text, "The C program, as it was run:\n");
        program_add_seen(&text, "    ", seen);
    }
    if (r->stopped)
        hak_text_add(&text, "It may not be the shortest: %s\n", stop_of(r));
    return view_print(&text);
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* Reads the options. 0, or an exit status (printed). */
static int read_options(struct reduction *r, uint64_t *row) {
    struct view *view = r->view;
    bool is_fault = !view_given(view, "check") || view_given(view, "fault");
    *row = is_fault ? 1 : 0;
    r->time_s = TIME_S;
    if (!view_read_number(view, "fault", row) || !view_read_number(view, "time", &r->time_s))
        return view_question_status();
    if (is_fault && *row == 0) {
        view_error("reduce --fault 0: a number from 1 on was expected");
        return VIEW_USAGE;
    }
    if (view_given(view, "process") && is_fault) {
        view_error("reduce --process: only for --check without --fault; a fault has its process");
        return VIEW_USAGE;
    }
    if (view_given(view, "c") && !view_value(view, "c")[0]) {
        view_error("reduce --c: the name of a file was expected");
        return VIEW_USAGE;
    }
    if (*row > UINT32_MAX) {
        view_error("reduce --fault %" PRIu64 ": no store has so many faults", *row);
        return VIEW_USAGE;
    }
    if (r->time_s == 0 || r->time_s > UINT32_MAX) {
        view_error("reduce --time: a number of seconds from 1 on was expected");
        return VIEW_USAGE;
    }
    r->check = view_value(view, "check");
    r->end_ms = view_now_ns() / 1000000 + r->time_s * 1000;
    return 0;
}

/* Rejects a store with a thread's number that no process reaches. 0, or an exit status (printed).
 */
static int check_threads(const struct reduction *r) {
    uint64_t row = hak_database_number(
        hak_store_database(r->view->reader),
        "SELECT id FROM thread WHERE number NOT BETWEEN 1 AND ?1 LIMIT 1", INT32_MAX);
    if (row)
        view_error("reduce: %s is damaged: row %" PRIu64 " of its table `thread` has a number that "
                   "no thread can have",
                   r->view->store_path, row);
    return row ? VIEW_UNREADABLE : 0;
}

/* Finds the fault, or without one the process. 0, or an exit status (printed). */
static int find_fault(struct reduction *r, uint64_t row) {
    char collect[PATH_MAX];
    int status = 0;
    if (row)
        status = fault_read(r, (uint32_t)row);
    else if (!view_choose_process(r->view, &r->process))
        status = view_question_status();
    else
        status = view_choose_busiest(r->view, "is reduced", &r->process);
    if (status == 0)
        status = check_threads(r);
    if (status == 0 && (!record_find_own("hakmem-player", X_OK, r->player) ||
                        !record_find_files(r->view, "hakmem-debug.so", r->library, collect)))
        status = VIEW_UNREADABLE;
    if (status == 0 && !r->check && !record_may_preload("reduce", r->library))
        status = VIEW_UNREADABLE;
    return status;
}

/* Finds the shortest sequence. 0, or an exit status (printed). */
static int find_shortest(struct reduction *r, uint64_t row, bool needs_folder) {
    uint64_t start = view_now_ns();
    int status = find_fault(r, row);
    if (status == 0 && needs_folder && !view_folder_make("reduce"))
        status = VIEW_UNREADABLE;
    if (status == 0)
        status = find_first(r);
    if (status == 0)
        status = shrink(r);
    view_progress_clear();
    r->seconds = 1e-9 * (double)(view_now_ns() - start);
    return status;
}

/* Prints the answer and writes the program. An error of one of them leaves the others. 0, or an
 * exit status (printed). */
static int answer(struct reduction *r, uint64_t row, const char *program, struct seen *seen) {
    bool is_alone = program && strcmp(program, "-") == 0; /* on stdout */
    bool is_run = program && r->stopped != STOP_INTERRUPT;
    bool good = !is_run || seen_try(r, seen);
    const struct seen *known = is_run && good ? seen : NULL;
    view_folder_remove(); /* a closed pipe ends what prints */
    if (program)
        good &= write_program(r, program, known);
    if (!is_alone)
        good &= r->view->json ? print_document(r, row, known) : print(r, known);
    return good ? 0 : VIEW_UNREADABLE;
}

int command_reduce(struct view *view) {
    struct reduction r = {.view = view, .limit_ms = RUN_MS};
    struct seen seen = {0};
    uint64_t row = 1;
    const char *program = view_value(view, "c");
    int status = view_open(view);
    if (status == 0)
        status = read_options(&r, &row);
    if (status != 0)
        return status;
    if (program && !view_sink_try(program))
        return VIEW_UNREADABLE;
    view_heed_end();
    status = find_shortest(&r, row, program || r.check);
    if (status == 0)
        status = answer(&r, row, program, &seen);
    view_folder_remove();
    if (status == 0 && seen.has_failed) {
        view_error("reduce: the C program does not give the fault in each run: %s", seen.hakmem);
        status = VIEW_INCOMPLETE;
    }
    if (status == 0 && r.stopped)
        status = r.stopped == STOP_INTERRUPT ? VIEW_INTERRUPTED : VIEW_INCOMPLETE;
    sequence_free(&r.best);
    json_decref(r.document);
    return status;
}

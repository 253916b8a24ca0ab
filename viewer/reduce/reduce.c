/* The command `reduce`: the fault, the first sequence that gives it again, the shortest one. */
#include "viewer/reduce/reduce.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "report/words/words.h"
#include "viewer/record/record.h"
#include "viewer/reduce/parts.h"

enum { TIMEOUT_MS = 10000, FUNCTION_COLUMN = 32 };

/* The level's own choice comes last: it goes by stacks, which the C program has others of. */
static const char *const guards[] = {"off", "all", NULL};
static const char *const injections[] = {"double-push:1", "wrong-class:1", "no-superslab:1",
                                         "offset16:1"};

static bool is_of_layers(const struct reduction *r) {
    return r->wanted.code < BAD_FREE;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Tries a sequence with each setting. 1: one gives the fault, and both are kept; 0: none; below 0:
 * it cannot be made. */
static int try_settings(struct reduction *r, const struct sequence *candidate) {
    size_t count = !is_of_layers(r) ? 2 * sizeof guards / sizeof *guards
                   : r->may_inject  ? sizeof injections / sizeof *injections
                                    : 1;
    for (size_t i = 0; i < count && !view_is_interrupted(); i++) {
        struct setting setting = {0};
        if (is_of_layers(r)) {
            setting.guard = "off";
            setting.inject = r->may_inject ? injections[i] : NULL;
        } else {
            setting.guard = guards[i / 2];
            setting.checks_strings = (i % 2 == 1) != fault_needs_strings(r);
        }
        int result = attempt(r, candidate, &setting);
        if (result == 2) {
            r->setting = setting;
            return sequence_copy(&r->best, candidate) ? 1 : -1;
        }
        if (result < 0)
            return -1;
    }
    return 0;
}

/* The block of the fault alone; where that does not give it, beside others like it, then all calls
 * before the fault. 0: found; VIEW_INCOMPLETE: none gives it; else an exit status (printed). */
static int try_candidates(struct reduction *r) {
    struct sequence candidate = {0};
    bool has_life = json_array_size(json_object_get(r->document, "lives")) > 0;
    int result = 0, status = 0;
    if (!fault_add_block(r, &candidate) || !fault_add_steps(r, &candidate, has_life))
        result = -1;
    if (result == 0 && candidate.count > 0)
        result = try_settings(r, &candidate);
    if (result == 0 && has_life && !view_is_interrupted()) {
        struct sequence beside = {0};
        result = fault_add_beside(&candidate, &beside) ? try_settings(r, &beside) : -1;
        sequence_free(&beside);
    }
    if (result == 0 && !view_is_interrupted()) {
        uint32_t block = 0;
        candidate.count = 0;
        status = log_add(r, &candidate, &block);
        if (status == 0 && (block || !has_life || is_of_layers(r))) {
            result = fault_add_steps(r, &candidate, block) ? try_settings(r, &candidate) : -1;
        }
    }
    sequence_free(&candidate);
    if (view_is_interrupted())
        return VIEW_INTERRUPTED;
    return status ? status : result == 1 ? 0 : result == 0 ? VIEW_INCOMPLETE : VIEW_UNREADABLE;
}

/* A fault of the layers is put in on purpose only where the calls alone do not give it. */
static int find_first(struct reduction *r) {
    int status = try_candidates(r);
    if (status == VIEW_INCOMPLETE && is_of_layers(r)) {
        r->may_inject = true;
        status = try_candidates(r);
    }
    if (status == VIEW_INCOMPLETE)
        view_error("reduce: neither the block of the fault alone nor the calls before it give "
                   "HKM-%u at %s again: the capture does not say what else the program did",
                   r->wanted.code, r->wanted.hop);
    return status;
}

static bool write_program(const struct reduction *r, const char *path) {
    struct hak_text text = {0};
    program_add(&text, r);
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

static bool print_document(const struct reduction *r, uint64_t row) {
    struct hak_text variables = {0};
    setting_add(&variables, &r->setting);
    json_t *document = view_json_document(r->view);
    hak_json_set(document, NUMBER("fault", row), NUMBER("code", r->wanted.code),
                 TEXT("hop", r->wanted.hop), NUMBER("runs", (uint64_t)r->attempts),
                 TEXT("variables", variables.bytes ? variables.bytes : ""),
                 JSON("steps", steps_json(&r->best)));
    hak_text_free(&variables);
    return view_print_document(r->view, document);
}

static bool print(const struct reduction *r) {
    struct hak_text text = {0};
    hak_text_add(&text, "HKM-%u at %s: %s, %d runs, %.1f s\n", r->wanted.code, r->wanted.hop,
                 hak_words_count(r->best.count, "step", "steps"), r->attempts, r->seconds);
    for (uint32_t i = 0; i < r->best.count; i++) {
        const struct step *step = &r->best.step[i];
        sequence_add_step(&text, step);
        if (step->function[0])
            hak_text_add_at(&text, FUNCTION_COLUMN, "in %s", step->function);
        hak_text_add(&text, "\n");
    }
    hak_text_add(&text, "Variables: HAKMEM_CHECK=normal ");
    setting_add(&text, &r->setting);
    hak_text_add(&text, "\n");
    if (r->setting.inject)
        hak_text_add(&text, "%s\n", REDUCE_INJECTED);
    return view_print(&text);
}

int command_reduce(struct view *view) {
    struct reduction r = {.view = view, .timeout_ms = TIMEOUT_MS};
    char collect[PATH_MAX];
    uint64_t row = 1;
    const char *program = view_value(view, "c");
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_read_number(view, "fault", &row))
        return view_question_status();
    if (row > UINT32_MAX) {
        view_error("reduce --fault %" PRIu64 ": no store has so many faults", row);
        return VIEW_USAGE;
    }
    if (program && !view_sink_check(program))
        return VIEW_UNREADABLE;
    double start = seconds_now();
    status = fault_read(&r, (uint32_t)row);
    if (status == 0 && (!record_find_own("hakmem-player", X_OK, r.player) ||
                        !record_find_files(view, "hakmem-debug.so", r.library, collect)))
        status = VIEW_UNREADABLE;
    if (status == 0)
        status = find_first(&r);
    if (status == 0)
        status = shrink(&r);
    view_progress_clear();
    r.seconds = seconds_now() - start;
    if (status == 0 && program && !write_program(&r, program))
        status = VIEW_UNREADABLE;
    bool is_alone = program && strcmp(program, "-") == 0; /* on stdout */
    if (status == 0 && !is_alone && !(view->json ? print_document(&r, row) : print(&r)))
        status = VIEW_UNREADABLE;
    sequence_free(&r.best);
    json_decref(r.document);
    return status;
}

/* The first sequence that gives the fault again. */
#include "viewer/reduce/parts.h"

#include <jansson.h>
#include <string.h>

/* The level's own choice comes last: it goes by stacks, which the C program has others of. */
static const struct setting guards[] = {
    {.guard = "off"},
    {.guard = "all"},
    {.guard = "all", .align = "1"},
    {.guard = "all", .side = "before"},
    {.guard = "all", .align = "size"},
    {0},
};
static const char *const injections[] = {"double-push:1", "wrong-class:1", "no-superslab:1",
                                         "offset16:1"};

enum { GUARDS = sizeof guards / sizeof *guards };

static bool is_of_layers(const struct reduction *r) {
    return r->wanted.code < BAD_FREE;
}

/* Setting `i` of those to try. False: there is none. */
static bool choose_setting(const struct reduction *r, size_t i, struct setting *out) {
    *out = (struct setting){0};
    if (r->check)
        return i == 0;
    if (is_of_layers(r)) {
        out->guard = "off";
        out->inject =
            r->may_inject && i < sizeof injections / sizeof *injections ? injections[i] : NULL;
        return i < (r->may_inject ? sizeof injections / sizeof *injections : 1);
    }
    if (i >= 2 * GUARDS)
        return false;
    *out = guards[i / 2];
    out->checks_strings = (i % 2 == 1) != fault_needs_strings(r);
    return true;
}

/* Tries a sequence with each setting. 1: one gives the fault, and both are kept; 0: none; below 0:
 * it cannot be made. */
static int try_settings(struct reduction *r, struct sequence *candidate) {
    struct setting setting;
    if (candidate->count == 0)
        return 0;
    if (!sequence_number_threads(candidate)) /* the capture's may have wide gaps */
        return -1;
    for (size_t i = 0; choose_setting(r, i, &setting) && !run_is_over(r); i++) {
        int result = attempt(r, candidate, &setting);
        if (result > 0) {
            r->setting = setting;
            r->accepted++;
            return sequence_copy(&r->best, candidate) ? 1 : -1;
        }
        if (result < 0)
            return -1;
    }
    return 0;
}

/* The block of the fault alone, and where that does not give it, beside others like it. */
static int try_block(struct reduction *r) {
    struct sequence alone = {0}, beside = {0};
    bool is_pool = fault_is_of_pool(r), has_life = !is_pool && fault_has_life(r);
    int result = is_pool ? (fault_add_pool(r, &alone) ? 0 : -1)
                 : fault_add_block(r, &alone) && fault_add_steps(r, &alone, has_life) ? 0
                                                                                      : -1;
    if (result == 0)
        result = try_settings(r, &alone);
    if (result == 0 && has_life)
        result = fault_add_beside(&alone, &beside) ? try_settings(r, &beside) : -1;
    sequence_free(&alone);
    sequence_free(&beside);
    return result;
}

/* Adds the sequence with a write of all bytes behind each step that takes a block. */
static bool add_written(const struct sequence *from, struct sequence *out) {
    for (uint32_t i = 0; i < from->count && out->count < SEQUENCE_STEPS_MAX; i++) {
        struct step step = from->step[i];
        bool is_resize = step.made.verb == SEQUENCE_REALLOC;
        if (!sequence_add(out, &step))
            return false;
        if (!is_resize && !verb_is_birth(step.made.verb))
            continue;
        step.made.b = is_resize ? step.made.b : step.made.a;
        step.made.a = 0;
        step.made.verb = SEQUENCE_WRITE;
        if (!sequence_add(out, &step))
            return false;
    }
    return true;
}

/* The user's test: the calls alone, then with written blocks, then with a call that the process may
 * have died in. */
static int try_check(struct reduction *r, struct sequence *log) {
    struct sequence written = {0};
    int result = try_settings(r, log);
    for (int i = 0; i < 2 && result == 0; i++) {
        written.count = 0;
        if (i > 0) {
            result = log_add_last(log) ? try_settings(r, log) : -1;
            if (result != 0)
                break;
        }
        result = add_written(log, &written) ? try_settings(r, &written) : -1;
    }
    sequence_free(&written);
    return result;
}

/* The calls of the process, few of them first. */
static int try_log(struct reduction *r, int *status) {
    static const uint32_t most[] = {100, 5000, LOG_CALLS_MAX};
    bool has_life = fault_has_life(r);
    int result = 0;
    uint32_t before = 0;
    for (size_t i = 0; i < sizeof most / sizeof *most && result == 0 && !run_is_over(r); i++) {
        struct sequence log = {0};
        uint32_t block = 0;
        *status = log_add(r, most[i], &log, &block);
        bool is_new = *status == 0 && log.count > before;
        before = log.count;
        bool has_steps =
            r->wanted.code && !fault_is_of_pool(r) && (block || !has_life || is_of_layers(r));
        if (is_new && has_steps && !fault_add_steps(r, &log, block))
            result = -1;
        else if (is_new && r->check)
            result = try_check(r, &log);
        else if (is_new && has_steps)
            result = try_settings(r, &log);
        sequence_free(&log);
        if (*status)
            break;
    }
    return result;
}

/* 0: found; VIEW_INCOMPLETE: none gives it; else an exit status (printed). */
static int try_candidates(struct reduction *r) {
    int status = 0;
    int result = r->wanted.code ? try_block(r) : 0;
    if (result == 0)
        result = try_log(r, &status);
    return status ? status : result > 0 ? 0 : result == 0 ? VIEW_INCOMPLETE : VIEW_UNREADABLE;
}

static void say_none(const struct reduction *r) {
    if (r->stopped == STOP_TIME)
        view_error("reduce: no sequence gave the fault in %u s; --time gives it more",
                   (unsigned)r->time_s);
    else if (r->check)
        view_error("reduce --check: the test holds for no sequence of the capture's calls; with "
                   "the last one: %s",
                   r->complaint[0] ? r->complaint : "there is no call");
    else
        view_error("reduce: neither the block of the fault alone nor the calls before it give "
                   "HKM-%u at %s again: the capture does not say what else the program did",
                   r->wanted.code, r->wanted.hop);
}

int find_first(struct reduction *r) {
    int status = try_candidates(r);
    /* A fault of the layers is put in on purpose only where the calls alone do not give it. */
    if (status == VIEW_INCOMPLETE && is_of_layers(r) && !r->check && !run_is_over(r)) {
        r->may_inject = true;
        status = try_candidates(r);
    }
    if (status == VIEW_INCOMPLETE && r->stopped == STOP_INTERRUPT)
        return VIEW_INTERRUPTED;
    if (status == VIEW_INCOMPLETE)
        say_none(r);
    return status;
}

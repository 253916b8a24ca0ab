/* Reads what the commands of the profile are asked. */
#include "viewer/profile/query.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/profile/skip.h"

static const char *const keys[] = {
    [PROFILE_FUNCTION] = "function", [PROFILE_LINE] = "line",         [PROFILE_FILE] = "file",
    [PROFILE_MODULE] = "module",     [PROFILE_STACK] = "stack",       [PROFILE_CLASS] = "class",
    [PROFILE_SIZE] = "size",         [PROFILE_LIFETIME] = "lifetime", [PROFILE_THREAD] = "thread",
    [PROFILE_PROCESS] = "process",   [PROFILE_POOL] = "pool"};
static const char *const measures[] = {[PROFILE_BYTES] = "bytes",
                                       [PROFILE_BLOCKS] = "blocks",
                                       [PROFILE_CALLS] = "calls",
                                       [PROFILE_SHORT_LIVED] = "short-lived",
                                       [PROFILE_GROWTH] = "growth"};
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

const char *profile_key_name(enum profile_key key) {
    return keys[key];
}

const char *profile_measure_name(enum profile_measure measure) {
    return measures[measure];
}

/* Reads the number of the word that --`option` has, `standard` where it was not given; -1: the
 * error is printed. */
static int read_word(const struct view *view, const char *option, const char *const *words,
                     size_t count, int standard) {
    const char *typed = view_value(view, option);
    struct nearest nearest = {.typed = typed};
    struct hak_text all = {0};
    if (!typed)
        return standard;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], typed) == 0) {
            hak_text_free(&all);
            return (int)i;
        } else {
            nearest_offer(&nearest, words[i]);
            hak_text_add(&all, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
        }
    view_error("--%s %s: %s was expected%s", option, typed, hak_text_string(&all),
               nearest_words(&nearest, ""));
    hak_text_free(&all);
    return -1;
}

/* Compiles an option's regular expression, if it is given; false, and an error is printed, for a
 * bad one. */
static bool read_regex(const struct view *view, const char *option, regex_t *out, bool *has) {
    const char *text = view_value(view, option);
    char message[256];
    if (!text)
        return true;
    int error = regcomp(out, text, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        regerror(error, out, message, sizeof message);
        view_error("--%s %s: %s", option, text, message);
        return false;
    }
    *has = true;
    return true;
}

/* Reads --between A B: B is the argument behind it. False, and said: a moment is missing, one too
 * many, or --at is given, too. */
static bool read_span(struct view *view, struct profile_query *q) {
    const char *between = view_value(view, "between");
    if (!between && view->argument_count > 0) {
        view_error("unexpected argument '%s'; two moments are given as --between A B",
                   view->argument[0]);
        return false;
    }
    if (!between)
        return true;
    if (view->argument_count != 1) {
        view_error("--between needs two moments: --between A B");
        return false;
    }
    if (view_given(view, "at")) {
        view_error("--at is one moment and --between two: give one of them");
        return false;
    }
    q->is_span = true;
    if (!view_read_moment(view, "between", between, &q->from) ||
        !view_read_moment(view, "between", view->argument[0], &q->at))
        return false;
    if (q->from.is_beyond && q->from.kind == VIEW_AT_END) {
        view_error("--between %s %s: %s is after the capture's end (%s)", between,
                   view->argument[0], between, hak_words_time(view->summary.last_ns));
        return false;
    }
    /* Events of two processes may be stored in another order than they happened. Two times may have
     * one event. */
    bool is_known = q->from.kind != VIEW_AT_PEAK && q->at.kind != VIEW_AT_PEAK;
    if (is_known && (q->from.kind == VIEW_AT_END ||
                     (q->at.kind == VIEW_AT_EVENT && q->from.kind == VIEW_AT_EVENT &&
                      (q->at.event < q->from.event ||
                       (q->at.event == q->from.event && q->at.ns < q->from.ns))) ||
                     (q->at.kind == VIEW_AT_START && q->from.kind != VIEW_AT_START))) {
        view_error("--between %s %s: the second moment comes before the first", between,
                   view->argument[0]);
        return false;
    }
    return true;
}

/* Reads --at, --between and --by; a measure that needs a span makes it one from the start. False,
 * and said: one is wrong. */
static bool read_moments(struct view *view, struct profile_query *q) {
    const char *at = view_value(view, "at");
    if (!read_span(view, q) || (at && !view_read_moment(view, "at", at, &q->at)))
        return false;
    int standard = q->is_span                   ? PROFILE_GROWTH
                   : q->per == PROFILE_LIFETIME ? PROFILE_CALLS /* lives have an end */
                                                : (int)q->by;
    int by = read_word(view, "by", measures, COUNT_OF(measures), standard);
    if (by < 0)
        return false;
    q->by = (enum profile_measure)by;
    if (q->by == PROFILE_SHORT_LIVED && view_sampled_rate(view)) {
        view_error("--by short-lived: a sampled profile does not know which blocks are");
        return false;
    }
    /* The peak is that of the moments when it was read, and hardly ever meant. */
    if (view_sampled_rate(view) && q->at.kind == VIEW_AT_PEAK && !at)
        q->at = (struct view_moment){.kind = VIEW_AT_END};
    if (q->by < PROFILE_CALLS || q->is_span)
        return true;
    q->is_span = true; /* from the start up to the moment, which is the end unless one is given */
    q->finds_growth = q->by == PROFILE_GROWTH && !at;
    q->from = (struct view_moment){.kind = VIEW_AT_START};
    if (!at)
        q->at = (struct view_moment){.kind = VIEW_AT_END};
    return true;
}

/* Gives an option a value. */
static void set_value(struct view *view, const char *name, const char *value) {
    for (int i = 0; i < view->option_count; i++)
        if (strcmp(view->option[i].name, name) == 0)
            view->value[i] = value;
}

bool profile_choose_sides(const struct view *view, const char *command, struct view *old,
                          struct view *new) {
    const char *between = view_value(view, "between");
    if (between && view->argument_count != 1) {
        view_error("--between needs two moments of one capture: --between A B");
        return false;
    }
    if (!between && view->argument_count != 2) {
        view_error("%s needs two captures, OLD and NEW, or --between A B", command);
        return false;
    }
    if (between && view_given(view, "at")) {
        view_error("--at is one moment and --between two: give one of them");
        return false;
    }
    *old = *new = *view;
    old->argument_count = new->argument_count = 0;
    set_value(old, "between", NULL);
    set_value(new, "between", NULL);
    set_value(old, between ? "at" : "store", between ? between : view->argument[0]);
    set_value(new, between ? "at" : "store", view->argument[between ? 0 : 1]);
    return true;
}

/* False, and said: what was asked has no answer for pieces of pools, or for blocks. */
static bool are_pieces_asked_well(struct view *view, const struct profile_query *q) {
    if (q->is_of_pools && q->is_mapped) {
        view_error("--pools and --mapped: give one of them");
    } else if (q->is_of_pools && q->per == PROFILE_CLASS) {
        view_error("--per class: pieces of pools have no size classes");
    } else if (q->is_of_pools && q->by == PROFILE_SHORT_LIVED) {
        view_error("--by short-lived: with --pools there are bytes, blocks, calls and growth");
    } else if (!q->is_of_pools && q->per == PROFILE_POOL) {
        view_error("--per pool needs --pools: blocks of malloc are of no pool");
    } else if (q->is_of_pools && hak_store_is_profile_only(view->reader)) {
        view_error("--pools: this capture keeps the profile alone, and no pieces");
    } else {
        return true;
    }
    return false;
}

bool profile_read_query(struct view *view, struct profile_query *q) {
    q->view = view;
    int per = read_word(view, "per", keys, COUNT_OF(keys), (int)q->per);
    if (per < 0)
        return false;
    q->per = (enum profile_key)per;
    if (!view_choose_process(view, &q->process) || !view_read_number(view, "thread", &q->thread) ||
        !view_read_number(view, "limit", &q->limit) ||
        !view_read_number(view, "short-lived", &q->brief_calls) || !read_moments(view, q) ||
        !profile_keep_skip(view) || !read_regex(view, "focus", &q->focus, &q->has_focus) ||
        !read_regex(view, "ignore", &q->ignore, &q->has_ignore))
        return false;
    q->is_bottom_up = view_given(view, "bottom-up");
    q->is_tree = q->is_bottom_up || view_given(view, "tree");
    q->shows_all = view_given(view, "all");
    q->is_mapped = view_given(view, "mapped");
    q->is_of_pools = view_given(view, "pools");
    if (!are_pieces_asked_well(view, q))
        return false;
    if (q->is_mapped && (q->per == PROFILE_CLASS || q->per == PROFILE_LIFETIME)) {
        view_error("--per %s: mappings have no %s", keys[q->per],
                   q->per == PROFILE_CLASS ? "size classes" : "lifetimes");
        return false;
    }
    if (q->is_mapped && q->by == PROFILE_SHORT_LIVED) {
        view_error("--by short-lived: with --mapped there are bytes, blocks, calls and growth");
        return false;
    }
    if (view_given(view, "thread") && (q->thread == 0 || q->thread > UINT32_MAX)) {
        view_error("--thread %s: the number of a thread was expected, from 1",
                   view_value(view, "thread"));
        return false;
    }
    if (view_given(view, "short-lived") && q->brief_calls == 0) {
        view_error("--short-lived 0: a number of allocations was expected, from 1");
        return false;
    }
    if (view_given(view, "stacks") && q->per != PROFILE_STACK) {
        view_error("--stacks needs --per stack");
        return false;
    }
    if (q->is_tree && q->per > PROFILE_MODULE) {
        view_error("--per %s: a tree has function, line, file or module", keys[q->per]);
        return false;
    }
    return true;
}

bool profile_read_query_before_damage(struct view *view, struct profile_query *q) {
    const struct profile_query standard = *q;
    if (profile_read_query(view, q))
        return true;
    if (view_question_status() != VIEW_UNREADABLE || !view_end_before_damage(view))
        return false;
    profile_free_query(q);
    *q = standard;
    return profile_read_query(view, q);
}

uint64_t profile_time(const struct profile_query *q, const struct view_moment *at) {
    uint64_t end_ns = q->growth && q->growth->to_ns ? q->growth->to_ns : q->view->summary.last_ns;
    return at->kind == VIEW_AT_START ? q->view->summary.first_ns
           : at->kind == VIEW_AT_END ? end_ns
                                     : at->ns;
}

void profile_free_growth(struct profile_query *q) {
    if (q->growth)
        growth_free(q->growth);
    free(q->growth);
    q->growth = NULL;
}

void profile_free_query(struct profile_query *q) {
    profile_free_growth(q);
    profile_free_pools(&q->pools);
    if (q->has_focus)
        regfree(&q->focus);
    if (q->has_ignore)
        regfree(&q->ignore);
    q->has_focus = q->has_ignore = false;
}

/* ---- sums --------------------------------------------------------------------------------------
 */

void profile_add_sums(struct profile_sums *to, const struct profile_sums *more) {
    hak_amount_add(&to->live, more->live);
    hak_amount_add(&to->came, more->came);
    hak_amount_add(&to->went, more->went);
    hak_amount_add(&to->brief, more->brief);
    hak_amount_add(&to->before, more->before);
}

int64_t profile_growth_bytes(const struct profile_sums *sums) {
    return (int64_t)(sums->live.bytes - sums->before.bytes);
}

int64_t profile_growth_blocks(const struct profile_sums *sums) {
    return (int64_t)(sums->live.blocks - sums->before.blocks);
}

int64_t profile_value(const struct profile_query *q, const struct profile_sums *sums,
                      enum profile_measure measure) {
    const struct hak_amount *held = q->is_span ? &sums->came : &sums->live;
    switch (measure) {
    case PROFILE_BYTES:
        return (int64_t)held->bytes;
    case PROFILE_BLOCKS:
        return (int64_t)held->blocks;
    case PROFILE_CALLS:
        return (int64_t)sums->came.blocks;
    case PROFILE_SHORT_LIVED:
        return (int64_t)sums->brief.blocks;
    default:
        return profile_growth_bytes(sums);
    }
}

/* One run of a sequence, and whether it counts: hakmem-player under hakmem-debug.so, level normal,
 * without a store, whose first report is compared with the fault; or the user's own test. */
#include "viewer/reduce/parts.h"

#include <string.h>
#include <sys/wait.h>

/* The limit of a run: its own, or what is left of all. */
static uint64_t limit_of(const struct reduction *r) {
    uint64_t now = view_now_ns() / 1000000, left = r->end_ms > now ? r->end_ms - now : 0;
    return left < r->limit_ms ? left : r->limit_ms;
}

static void count_ended(struct reduction *r, const struct run *run) {
    r->runs_ended += run->was_ended && !run_is_over(r);
}

/* A run that says nothing of its candidate ends the reducing: with the best one so far, 0, or with
 * an error, below 0 (printed). */
static int stop_at_run(struct reduction *r) {
    view_error("reduce%s: %s", r->check ? " --check" : "", r->complaint);
    if (r->accepted > 0)
        r->stopped = STOP_RUN;
    return r->accepted > 0 ? 0 : -1;
}

/* The user's test: 0 = it holds; 125 and others: not. */
static int judge_check(struct reduction *r, struct run *run) {
    const char *line = run_last_line(run);
    bool is_signal = WIFSIGNALED(run->status);
    bool cannot_run = WIFEXITED(run->status) &&
                      (WEXITSTATUS(run->status) == 126 || WEXITSTATUS(run->status) == 127);
    snprintf(r->complaint, sizeof r->complaint, "%s %d%s%s",
             cannot_run       ? "the command cannot be run: exit status"
             : run->was_ended ? "it was ended by its limit, signal"
             : is_signal      ? "it died of signal"
                              : "exit status",
             is_signal ? WTERMSIG(run->status) : WEXITSTATUS(run->status), line ? ", " : "",
             line ? line : "");
    if (cannot_run)
        return stop_at_run(r);
    return WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0;
}

/* Hands the candidate to the user's test. */
static int attempt_check(struct reduction *r, const struct sequence *sequence,
                         const struct hak_text *text) {
    static struct run run;
    struct hak_text program = {0};
    char path[3][PATH_MAX + 64];
    const char *const variables[] = {"REDUCE_PROGRAM", "REDUCE_SEQUENCE", "REDUCE_PLAYER"};
    char file[2][PATH_MAX + 16];
    program_add(&program, r, sequence, NULL);
    bool good = !program.failed && file_write("reduced.c", program.bytes, file[0]) &&
                file_write("sequence", text->bytes ? text->bytes : "", file[1]);
    hak_text_free(&program);
    if (!good)
        return -1;
    const char *const values[] = {file[0], file[1], r->player};
    run = (struct run){.argument = {"/bin/sh", "-c", r->check, NULL}, .input = text};
    for (int i = 0; i < 3; i++) {
        snprintf(path[i], sizeof path[i], "%s=%s", variables[i], values[i]);
        run.variable[i] = path[i];
    }
    uint64_t begin = view_now_ns();
    if (!run_make(&run, limit_of(r)))
        return -1;
    int result = judge_check(r, &run);
    count_ended(r, &run);
    /* A candidate that hangs costs no more than ten times a good one. */
    uint64_t ten_ms = (view_now_ns() - begin) / 100000;
    if (result == 1 && r->accepted == 0)
        r->limit_ms = ten_ms > r->limit_ms ? ten_ms : r->limit_ms;
    return run.was_ended && result > 0 ? 0 : result;
}

static int attempt_player(struct reduction *r, const struct setting *setting,
                          const struct hak_text *text) {
    static struct run run;
    static char words[SETTING_WORDS][PATH_MAX + 16];
    struct place place;
    run = (struct run){.argument = {r->player, "sequence", NULL}, .input = text};
    setting_fill(&run, r, setting, words);
    if (!run_make(&run, limit_of(r)))
        return -1;
    if (run_has_failed(&run)) {
        view_error("reduce: %s cannot be started", r->player);
        return -1;
    }
    count_ended(r, &run);
    place_read_first(&place, run.said);
    if (place.is_raw) {
        snprintf(r->complaint, sizeof r->complaint,
                 "a run gave a raw report, which has no place: %.*s",
                 (int)strcspn(strstr(run.said, PLACE_RAW), "\n"), strstr(run.said, PLACE_RAW));
        return stop_at_run(r);
    }
    return place_is_same(&place, &r->wanted);
}

int attempt(struct reduction *r, const struct sequence *sequence, const struct setting *setting) {
    static char doing[64];
    struct hak_text text = {0};
    if (run_is_over(r))
        return 0;
    snprintf(doing, sizeof doing, r->accepted ? "reducing, %u steps so far" : "looking, %u steps",
             r->accepted ? r->best.count : sequence->count);
    struct hak_progress progress = {.doing = doing, .unit = "runs", .done = r->runs};
    view_progress(&progress);
    sequence_add_text(&text, sequence);
    int result = -1;
    if (text.failed)
        view_error("reduce: out of memory");
    else
        result = r->check ? attempt_check(r, sequence, &text) : attempt_player(r, setting, &text);
    hak_text_free(&text);
    r->runs++;
    /* A run that Ctrl-C ended says nothing. */
    return view_is_interrupted() && result > 0 ? 0 : result;
}

int attempt_better(struct reduction *r, const struct sequence *candidate) {
    int result = attempt(r, candidate, &r->setting);
    if (result > 0 && !sequence_copy(&r->best, candidate))
        return -1;
    r->accepted += result > 0;
    return result;
}

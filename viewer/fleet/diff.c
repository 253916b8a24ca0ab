/* `fleet diff`: what grew in a process from one version to another, by stack. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/fleet/profiles.h"

/* The columns of the answer. */
enum {
    D_STACK,
    D_OLD,
    D_NEW,
    D_OLD_VARIANCE,
    D_NEW_VARIANCE,
    D_OLD_PROCESSES,
    D_NEW_PROCESSES,
    D_ALL,
    D_OLD_TOTAL,
    D_NEW_TOTAL,
    D_FRAMES
};
enum { OLD_SIDE, NEW_SIDE };

/* Growth is put in for $OLD and $NEW, the processes of both. */
/* clang-format off */
static const char sides_sql[] =
    ", sides AS (SELECT s.stack, n.side, " FLEET_SUM("live_bytes") " AS live, "
    FLEET_VARIANCE " AS variance,"
    " count(DISTINCT CASE WHEN s.live_bytes > 0 THEN n.run END) AS processes,"
    " max(s.month) AS month" FLEET_JOIN_SUMS " GROUP BY s.stack, n.side),"
    " pairs AS (SELECT p.stack, max(p.month) AS month,"
    " max(CASE WHEN p.side = 0 THEN p.live ELSE 0 END) AS old_live,"
    " max(CASE WHEN p.side = 1 THEN p.live ELSE 0 END) AS new_live,"
    " max(CASE WHEN p.side = 0 THEN p.variance ELSE 0 END) AS old_variance,"
    " max(CASE WHEN p.side = 1 THEN p.variance ELSE 0 END) AS new_variance,"
    " max(CASE WHEN p.side = 0 THEN p.processes ELSE 0 END) AS old_processes,"
    " max(CASE WHEN p.side = 1 THEN p.processes ELSE 0 END) AS new_processes"
    " FROM sides p WHERE p.live > 0 GROUP BY p.stack), changes AS (SELECT p.stack, p.month,"
    " p.old_live, p.new_live, p.old_variance, p.new_variance, p.old_processes, p.new_processes,"
    " CAST(p.new_live AS DOUBLE PRECISION) / ";
static const char changes_sql[] =
    " AS change FROM pairs p)"
    " SELECT c.stack, c.old_live, c.new_live, CAST(c.old_variance AS DOUBLE PRECISION),"
    " CAST(c.new_variance AS DOUBLE PRECISION), c.old_processes, c.new_processes,"
    " count(*) OVER (), CAST(least(sum(c.old_live) OVER (), 9e18) AS BIGINT),"
    " CAST(least(sum(c.new_live) OVER (), 9e18) AS BIGINT), " FLEET_FRAMES
    " FROM changes c LEFT JOIN hakmem.stack t ON t.stack = c.stack AND t.month = c.month"
    " ORDER BY greatest(c.change, -c.change) DESC, c.change DESC, c.stack"
    " FETCH FIRST {limit} ROWS ONLY";
/* clang-format on */

struct fleet_changes {
    struct answer answer;
    const char *version[FLEET_SIDES];
    struct fleet_side side[FLEET_SIDES];
    uint64_t total[FLEET_SIDES]; /* live bytes of all stacks */
};

/* ---- rows -------------------------------------------------------------------------------------
 */

/* Live bytes a process, of a side. */
static int64_t each_of(const struct fleet_changes *d, int side, uint64_t live) {
    return (int64_t)fleet_each(&d->side[side], live);
}

/* The variance of the mean over a side's processes. */
static double variance_of_mean(const struct fleet_changes *d, int side,
                               const struct hak_remote_cell *variance) {
    double processes = (double)d->side[side].processes;
    return processes > 0 && variance->kind == HAK_REMOTE_REAL_NUMBER
               ? variance->real / processes / processes
               : 0;
}

/* Appends a change with its sign, `width` columns wide. */
static void add_change(struct hak_text *text, int64_t change, int width) {
    hak_text_add(text, "%*s", width, change ? hak_words_offset(change) : "0");
}

/* Appends new or gone, and whether the sampling alone may have made the change. */
static void add_marks(struct hak_text *text, bool is_new, bool is_gone, bool is_within) {
    hak_text_add(text, is_new ? "new" : is_gone ? "gone" : "");
    hak_text_add(text, is_within && (is_new || is_gone) ? ", " : "");
    hak_text_add(text, is_within ? "within the error" : "");
}

/* Adds a row of the answer, one stack, to the table. */
static void add_changed_stack(void *context, const struct hak_remote_cell *cell, int cells) {
    struct fleet_changes *d = context;
    struct answer *answer = &d->answer;
    uint64_t stack = fleet_number(&cell[D_STACK]);
    uint64_t old_live = fleet_number(&cell[D_OLD]), new_live = fleet_number(&cell[D_NEW]);
    int64_t old = each_of(d, OLD_SIDE, old_live), now = each_of(d, NEW_SIDE, new_live);
    uint64_t error = fleet_error(variance_of_mean(d, OLD_SIDE, &cell[D_OLD_VARIANCE]) +
                                 variance_of_mean(d, NEW_SIDE, &cell[D_NEW_VARIANCE]));
    uint64_t size = (uint64_t)(now > old ? now - old : old - now);
    bool is_within = size <= 2 * error;
    (void)cells;
    answer->all = fleet_number(&cell[D_ALL]);
    d->total[OLD_SIDE] = fleet_number(&cell[D_OLD_TOTAL]);
    d->total[NEW_SIDE] = fleet_number(&cell[D_NEW_TOTAL]);
    answer_row(answer, DATA(WORD("fingerprint", fleet_fingerprint(stack))),
               DATA(NUMBER("change_a_process", now - old)),
               MADE("       a process", add_change, now - old, 16), AMOUNT("error", "error", error),
               AMOUNT("old", "old_a_process", old), AMOUNT("new", "new_a_process", now),
               DATA(NUMBER("old_live_bytes", old_live)), DATA(NUMBER("new_live_bytes", new_live)),
               AMOUNT("in old", "old_processes", fleet_number(&cell[D_OLD_PROCESSES])),
               AMOUNT("in new", "new_processes", fleet_number(&cell[D_NEW_PROCESSES])),
               DATA(FLAG("is_new", !old_live)), DATA(FLAG("is_gone", !new_live)),
               DATA(FLAG("is_within_error", is_within)),
               MADE("<", add_marks, !old_live, !new_live, size && is_within),
               DATA_OF("frames", fleet_json_frames(stack, &cell[D_FRAMES])),
               MADE("<where", fleet_add_stack, stack, &cell[D_FRAMES]));
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static json_t *changes_json(const struct fleet *fleet, struct fleet_changes *d) {
    static const char *const names[] = {"old", "new"};
    json_t *document = fleet_document(fleet, "diff");
    for (int i = 0; i < FLEET_SIDES; i++)
        hak_json_set(document, JSON(names[i], hak_json_set(fleet_json_side(&d->side[i]),
                                                           TEXT("version", d->version[i]),
                                                           NUMBER("live_bytes", d->total[i]))));
    hak_json_set(document, NUMBER("all", d->answer.all));
    json_object_set(document, "stacks", d->answer.list);
    return document;
}

/* Appends what is compared: both sides, and all their live bytes. */
static void add_both(struct hak_text *text, const struct fleet_changes *d) {
    int64_t old = each_of(d, OLD_SIDE, d->total[OLD_SIDE]);
    int64_t now = each_of(d, NEW_SIDE, d->total[NEW_SIDE]);
    for (int i = 0; i < FLEET_SIDES; i++) {
        hak_text_add(text, i ? "new  " : "old  ");
        hak_text_add_name(text, d->version[i]);
        hak_text_add(text, ": ");
        fleet_add_side(text, &d->side[i]);
        hak_text_add(text, "\n");
    }
    fleet_add_rates(text, d->side, FLEET_SIDES);
    hak_text_add(text, "\nlive bytes a process: %s before, ", hak_words_number((uint64_t)old));
    hak_text_add(text, "%s now, ", hak_words_number((uint64_t)now));
    add_change(text, now - old, 0);
    hak_text_add(text, "\n");
}

/* Prints the changes, of all that there are. An exit status. */
static int print_changes(const struct fleet *fleet, struct fleet_changes *d) {
    struct hak_text text = {0};
    if (d->answer.list)
        return fleet_print_document(changes_json(fleet, d));
    add_both(&text, d);
    return fleet_print_table(fleet, &text, &d->answer, d->answer.rows, d->answer.all, "stack",
                             "stacks");
}

/* ---- the question -----------------------------------------------------------------------------
 */

/* Reads both versions. False: there are not two, and that was said. */
static bool read_versions(const struct view *view, struct fleet_changes *d) {
    if (view->argument_count != 1 + FLEET_SIDES) {
        view_error("fleet diff: which? VERSION VERSION, as `push --profile --label version=...` "
                   "sent them");
        return false;
    }
    for (int i = 0; i < FLEET_SIDES; i++)
        d->version[i] = view->argument[1 + i];
    if (strcmp(d->version[0], d->version[1]) != 0)
        return true;
    view_error("fleet diff: two versions were expected, and both are %s", d->version[0]);
    return false;
}

/* Checks that both sides have profiles, of one program. 0, or an exit status: that was said. */
static int check_sides(const struct fleet *fleet, const struct fleet_changes *d) {
    for (int i = 0; i < FLEET_SIDES; i++)
        if (!d->side[i].processes) {
            view_error("fleet diff: no heap profile of version %s that matches was pushed; "
                       "`push --profile --label version=%s` sends one",
                       d->version[i], d->version[i]);
            return VIEW_USAGE;
        }
    if ((d->side[0].programs > 1 || d->side[1].programs > 1) &&
        !view_given(fleet->view, "program")) {
        view_error("fleet diff: the heap profiles of these versions are of several programs; "
                   "--program NAME asks for one");
        return VIEW_USAGE;
    }
    return 0;
}

/* Asks for what changed. 0, or an exit status: the error is printed. */
static int read_changes(struct fleet *fleet, struct fleet_changes *d) {
    struct fleet_question question = {0};
    fleet_question_add_newest(&question, fleet, d->version);
    fleet_question_add(&question, "%s%s - CAST(p.old_live AS DOUBLE PRECISION) / ", sides_sql,
                       fleet_question_number(&question, (int64_t)d->side[NEW_SIDE].processes));
    fleet_question_add(&question, "%s",
                       fleet_question_number(&question, (int64_t)d->side[OLD_SIDE].processes));
    fleet_question_add_all(&question, fleet, NULL, changes_sql);
    return fleet_ask(fleet, &question, "reading heap profiles", add_changed_stack, d);
}

int fleet_diff(struct view *view) {
    struct fleet fleet = {0};
    struct fleet_changes changes = {.answer = answer_begin(view, view->json)};
    int status = read_versions(view, &changes) ? fleet_open(&fleet, view, 50, false) : VIEW_USAGE;
    if (!status)
        status = fleet_read_sides(&fleet, changes.version, changes.side);
    if (!status)
        status = check_sides(&fleet, &changes);
    if (!status)
        status = read_changes(&fleet, &changes);
    if (!status)
        status = print_changes(&fleet, &changes);
    answer_end(&changes.answer);
    fleet_close(&fleet);
    return status;
}

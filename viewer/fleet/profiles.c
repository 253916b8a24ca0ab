/* Asks which processes' heap profiles are meant, and shows what they have in common. */
#include "viewer/fleet/profiles.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/fleet/stack.h"

/* ---- which pulls ------------------------------------------------------------------------------
 */

/* Appends the side of a pull `r`. */
static void add_side_of(struct fleet_question *question, const char *const *version) {
    if (version)
        fleet_question_add(question, "CASE WHEN r.version = %s THEN 0 ELSE 1 END",
                           fleet_question_text(question, version[0]));
    else
        fleet_question_add(question, "0");
}

/* Appends the pulls that the options mean as `asked`; turn 1: the newest of its process. */
static void add_asked(struct fleet_question *question, const struct fleet *fleet,
                      const char *const *version) {
    fleet_question_add(question, "WITH asked AS (SELECT r.run, r.month, r.pull, r.host, r.program,"
                                 " r.rate, r.unsampled, ");
    add_side_of(question, version);
    fleet_question_add_all(question, fleet, NULL,
                           " AS side, row_number() OVER (PARTITION BY r.run ORDER BY r.at DESC,"
                           " r.pull DESC) AS turn FROM hakmem.pull r" FLEET_WHERE "{runs}");
    for (int i = 0; version && i < FLEET_SIDES; i++)
        fleet_question_add(question, "%sr.version = %s", i ? " OR " : " AND (",
                           fleet_question_text(question, version[i]));
    fleet_question_add(question, "%s", version ? "))" : ")");
}

void fleet_question_add_newest(struct fleet_question *question, const struct fleet *fleet,
                               const char *const *version) {
    add_asked(question, fleet, version);
    fleet_question_add(question, ", newest AS (SELECT a.run, a.month, a.pull, a.host, a.side"
                                 " FROM asked a WHERE a.turn = 1)");
}

/* ---- the sides --------------------------------------------------------------------------------
 */

/* Takes a row of the answer, one side. */
static void take_side(void *context, const struct hak_remote_cell *cell, int cells) {
    struct fleet_side *side = context;
    uint64_t number = fleet_number(&cell[0]);
    (void)cells;
    if (number >= FLEET_SIDES)
        return;
    side[number] = (struct fleet_side){.pulls = fleet_number(&cell[1]),
                                       .processes = fleet_number(&cell[2]),
                                       .hosts = fleet_number(&cell[3]),
                                       .programs = fleet_number(&cell[4]),
                                       .least_rate = fleet_number(&cell[5]),
                                       .most_rate = fleet_number(&cell[6]),
                                       .unsampled = fleet_number(&cell[7])};
}

int fleet_read_sides(struct fleet *fleet, const char *const *version,
                     struct fleet_side side[FLEET_SIDES]) {
    struct fleet_question question = {0};
    memset(side, 0, FLEET_SIDES * sizeof *side);
    add_asked(&question, fleet, version);
    fleet_question_add(
        &question,
        " SELECT a.side, count(*), sum(CASE WHEN a.turn = 1 THEN 1 ELSE 0 END),"
        " count(DISTINCT CASE WHEN a.turn = 1 THEN a.host END),"
        " count(DISTINCT CASE WHEN a.turn = 1 THEN a.program END),"
        " min(CASE WHEN a.turn = 1 THEN a.rate END), max(CASE WHEN a.turn = 1 THEN a.rate END),"
        " CAST(least(sum(CASE WHEN a.turn = 1 THEN greatest(a.unsampled, 0) ELSE 0 END), 9e18)"
        " AS BIGINT) FROM asked a GROUP BY a.side");
    return fleet_ask(fleet, &question, "reading heap profiles", take_side, side);
}

void fleet_add_side(struct hak_text *text, const struct fleet_side *side) {
    hak_text_add(text, "%s on ", hak_words_count(side->processes, "process", "processes"));
    hak_text_add(text, "%s, %s", hak_words_count(side->hosts, "host", "hosts"),
                 hak_words_count(side->pulls, "pull", "pulls"));
}

void fleet_add_rates(struct hak_text *text, const struct fleet_side *side, int sides) {
    uint64_t least = 0, most = 0, unsampled = 0;
    for (int i = 0; i < sides; i++) {
        least = !least || side[i].least_rate < least ? side[i].least_rate : least;
        most = side[i].most_rate > most ? side[i].most_rate : most;
        unsampled += side[i].unsampled;
    }
    hak_text_add(text, "sampled, one in ");
    view_add_rate(text, least);
    hak_text_add(text, least != most ? " to " : "");
    if (least != most)
        view_add_rate(text, most);
    if (unsampled)
        hak_text_add(text, "; %s missing, for want of memory",
                     hak_words_count(unsampled, "sample is", "samples are"));
}

json_t *fleet_json_side(const struct fleet_side *side) {
    return hak_json_object(NUMBER("processes", side->processes), NUMBER("hosts", side->hosts),
                           NUMBER("pulls", side->pulls), NUMBER("programs", side->programs),
                           NUMBER("least_rate", side->least_rate),
                           NUMBER("most_rate", side->most_rate),
                           NUMBER("unsampled", side->unsampled));
}

/* ---- rows -------------------------------------------------------------------------------------
 */

uint64_t fleet_each(const struct fleet_side *side, uint64_t live) {
    uint64_t processes = side->processes;
    return processes ? (live + processes / 2) / processes : 0;
}

uint64_t fleet_error(double variance) {
    double error = variance > 0 ? sqrt(variance) : 0;
    return error < 9e18 ? (uint64_t)(error + 0.5) : (uint64_t)9e18;
}

const char *fleet_fingerprint(uint64_t stack) {
    static char line[17];
    snprintf(line, sizeof line, "%016llx", (unsigned long long)stack);
    return line;
}

/* Whether the frames are those of the stack: any pusher may send some under its number. */
static bool are_frames_of(uint64_t stack, const struct hak_remote_cell *frames) {
    return frames->kind == HAK_REMOTE_STRING && fleet_stack_number(frames->text) == stack;
}

void fleet_add_stack(struct hak_text *text, uint64_t stack, const struct hak_remote_cell *frames) {
    if (are_frames_of(stack, frames))
        fleet_stack_add_line(text, frames->text);
    else
        hak_text_add(text, "?? (stack %s)", fleet_fingerprint(stack));
}

json_t *fleet_json_frames(uint64_t stack, const struct hak_remote_cell *frames) {
    return are_frames_of(stack, frames) ? fleet_stack_json(frames->text) : json_null();
}

/* `fleet top`: who holds how much memory, by stack, in all processes whose heap profiles were
 * pushed: of each process its newest one counts. */
#include <jansson.h>
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/fleet/profiles.h"

/* The columns of the answer. */
enum {
    T_STACK,
    T_LIVE_BYTES,
    T_LIVE_BLOCKS,
    T_ALLOCATED_BYTES,
    T_ALLOCATED_BLOCKS,
    T_FREED_BYTES,
    T_FREED_BLOCKS,
    T_VARIANCE,
    T_PROCESSES,
    T_HOSTS,
    T_ALL,
    T_TOTAL,
    T_FRAMES
};

/* clang-format off */
static const char stacks_sql[] =
    ", sums AS (SELECT s.stack, " FLEET_SUM("live_bytes") " AS live_bytes, "
    FLEET_SUM("live_blocks") " AS live_blocks, " FLEET_SUM("allocated_bytes")
    " AS allocated_bytes, " FLEET_SUM("allocated_blocks") " AS allocated_blocks, "
    FLEET_SUM("freed_bytes") " AS freed_bytes, " FLEET_SUM("freed_blocks") " AS freed_blocks, "
    FLEET_VARIANCE " AS variance,"
    " count(DISTINCT CASE WHEN s.live_bytes > 0 THEN n.run END) AS processes,"
    " count(DISTINCT CASE WHEN s.live_bytes > 0 THEN n.host END) AS hosts, max(s.month) AS month"
    FLEET_JOIN_SUMS " GROUP BY s.stack)"
    " SELECT s.stack, s.live_bytes, s.live_blocks, s.allocated_bytes, s.allocated_blocks,"
    " s.freed_bytes, s.freed_blocks, s.variance, s.processes, s.hosts, count(*) OVER (),"
    " CAST(least(sum(s.live_bytes) OVER (), 9e18) AS BIGINT), " FLEET_FRAMES
    " FROM sums s LEFT JOIN hakmem.stack t ON t.stack = s.stack AND t.month = s.month"
    " ORDER BY s.live_bytes DESC, s.allocated_bytes DESC, s.stack"
    " FETCH FIRST {limit} ROWS ONLY";
/* clang-format on */

struct fleet_tops {
    struct answer answer;
    struct fleet_side side[FLEET_SIDES]; /* of one */
    uint64_t total;                      /* live bytes of all stacks */
};

/* Appends "  61.2 %". */
static void add_part(struct hak_text *text, uint64_t part, uint64_t whole) {
    if (whole)
        hak_text_add(text, "%6.1f %%", 100.0 * (double)part / (double)whole);
}

/* Adds a row of the answer, one stack, to the table. */
static void add_top_stack(void *context, const struct hak_remote_cell *cell, int cells) {
    struct fleet_tops *t = context;
    struct answer *answer = &t->answer;
    uint64_t stack = fleet_number(&cell[T_STACK]), live = fleet_number(&cell[T_LIVE_BYTES]);
    (void)cells;
    answer->all = fleet_number(&cell[T_ALL]);
    t->total = fleet_number(&cell[T_TOTAL]);
    answer_row(answer, DATA(WORD("fingerprint", fleet_fingerprint(stack))),
               MADE("   share", add_part, live, t->total), AMOUNT("live bytes", "live_bytes", live),
               AMOUNT("error", "live_error", fleet_error(cell[T_VARIANCE].real)),
               AMOUNT("a process", "live_bytes_a_process", fleet_each(&t->side[0], live)),
               AMOUNT("blocks", "live_blocks", fleet_number(&cell[T_LIVE_BLOCKS])),
               AMOUNT("allocated", "allocated_bytes", fleet_number(&cell[T_ALLOCATED_BYTES])),
               DATA(NUMBER("allocated_blocks", fleet_number(&cell[T_ALLOCATED_BLOCKS]))),
               AMOUNT("freed", "freed_bytes", fleet_number(&cell[T_FREED_BYTES])),
               DATA(NUMBER("freed_blocks", fleet_number(&cell[T_FREED_BLOCKS]))),
               AMOUNT("processes", "processes", fleet_number(&cell[T_PROCESSES])),
               AMOUNT("hosts", "hosts", fleet_number(&cell[T_HOSTS])),
               DATA_OF("frames", fleet_json_frames(stack, &cell[T_FRAMES])),
               MADE("<where", fleet_add_stack, stack, &cell[T_FRAMES]));
}

/* Prints the stacks, of all that there are, with what they are of. An exit status. */
static int print_tops(const struct fleet *fleet, struct fleet_tops *t) {
    const struct fleet_side *side = &t->side[0];
    struct hak_text text = {0};
    if (t->answer.list) {
        json_t *document =
            hak_json_set(fleet_document(fleet, "top"), JSON("of", fleet_json_side(side)),
                         NUMBER("live_bytes", t->total), NUMBER("all", t->answer.all));
        json_object_set(document, "stacks", t->answer.list);
        return fleet_print_document(document);
    }
    if (side->processes) {
        fleet_add_side(&text, side);
        hak_text_add(&text, "; ");
        fleet_add_rates(&text, side, 1);
        hak_text_add(&text, "\n");
    }
    if (side->programs > 1)
        hak_text_add(&text, "%s programs together; --program NAME asks for one\n",
                     hak_words_number(side->programs));
    return fleet_print_table(fleet, &text, &t->answer, t->answer.rows, t->answer.all, "stack",
                             "stacks");
}

int fleet_top(struct view *view) {
    struct fleet fleet;
    struct fleet_tops tops = {.answer = answer_begin(view, view->json)};
    struct fleet_question question = {0};
    int status = fleet_open(&fleet, view, 50, false);
    if (!status)
        status = fleet_read_sides(&fleet, NULL, tops.side);
    if (!status) {
        fleet_question_add_newest(&question, &fleet, NULL);
        fleet_question_add_all(&question, &fleet, NULL, stacks_sql);
        status = fleet_ask(&fleet, &question, "reading heap profiles", add_top_stack, &tops);
    }
    if (!status)
        status = print_tops(&fleet, &tops);
    answer_end(&tops.answer);
    fleet_close(&fleet);
    return status;
}

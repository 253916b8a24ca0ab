/* Packs what each process and stack got in each step. */
#include "viewer/html/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include "report/words/words.h"
#include "base/growing.h"

#define STEPS_LEAST 60

/* The numbers of a change that follow; the rest is 0 or the same as another. */
enum {
    HAS_CAME = 1,
    HAS_WENT = 2,
    WENT_IS_CAME = 4, /* all that came has gone, or as much */
    HAS_BRIEF = 8,
    BRIEF_IS_WENT = 16,
    HAS_INHERITED = 32,
    HAS_LEFT = 64,
};

/* Rows of one process whose stacks are one node of the tree. */
struct row {
    uint32_t process, place; /* row id; of the node */
};

struct packing {
    const struct timeline *timeline;
    const struct html_stacks *stacks;
    struct row *row;
    uint32_t rows;
    uint32_t *row_of; /* of a row of the timeline */
    struct timeline_change *sum;
    bool *is_changed;
    uint32_t *changed; /* of the step at hand */
    uint32_t changed_count;
};

/* By place, then process. */
static int compare_rows(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->process < y->process ? -1 : x->process > y->process;
}

static struct row row_at(const struct packing *p, uint32_t i) {
    return (struct row){p->timeline->flow.row[i].process,
                        p->stacks->node[p->stacks->node_of_row[i]].place};
}

/* Makes the page's rows: one for each place and process. False without memory. */
static bool make_rows(struct packing *p) {
    uint32_t count = p->timeline->flow.rows;
    p->row = calloc((size_t)count + 1, sizeof *p->row);
    p->row_of = calloc((size_t)count + 1, sizeof *p->row_of);
    p->sum = calloc((size_t)count + 1, sizeof *p->sum);
    p->changed = calloc((size_t)count + 1, sizeof *p->changed);
    p->is_changed = calloc((size_t)count + 1, sizeof *p->is_changed);
    if (!p->row || !p->row_of || !p->sum || !p->changed || !p->is_changed)
        return false;
    for (uint32_t i = 0; i < count; i++)
        p->row[i] = row_at(p, i);
    qsort(p->row, count, sizeof *p->row, compare_rows);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || compare_rows(&p->row[i], &p->row[p->rows - 1]) != 0)
            p->row[p->rows++] = p->row[i];
    for (uint32_t i = 0; i < count; i++) {
        struct row row = row_at(p, i);
        const struct row *found = bsearch(&row, p->row, p->rows, sizeof *p->row, compare_rows);
        p->row_of[i] = (uint32_t)(found - p->row);
    }
    return true;
}

static void free_rows(struct packing *p) {
    free(p->row);
    free(p->row_of);
    free(p->sum);
    free(p->changed);
    free(p->is_changed);
}

/* ---- one step ----------------------------------------------------------------------------------
 */

/* Adds a step's changes, row by row, to those not yet packed. */
static void add_step(struct packing *p, const struct timeline_step *step) {
    for (uint32_t i = step->first; i < step->first + step->changes; i++) {
        const struct timeline_change *c = &p->timeline->change[i];
        uint32_t row = p->row_of[c->row];
        struct timeline_change *sum = &p->sum[row];
        if (!p->is_changed[row]) {
            p->changed[p->changed_count++] = row;
            p->is_changed[row] = true;
            *sum = (struct timeline_change){.row = row};
        }
        hak_amount_add(&sum->inherited, c->inherited);
        hak_amount_add(&sum->came, c->came);
        hak_amount_add(&sum->went, c->went);
        hak_amount_add(&sum->brief, c->brief);
        hak_amount_add(&sum->left, c->left);
    }
}

static bool is_same(const struct hak_amount *a, const struct hak_amount *b) {
    return a->blocks == b->blocks && a->bytes == b->bytes;
}

static bool is_any(const struct hak_amount *sum) {
    return sum->blocks || sum->bytes;
}

static void pack_sum(struct html_pack *pack, const struct hak_amount *sum) {
    html_pack_number(pack, sum->blocks);
    html_pack_number(pack, sum->bytes);
}

/* Packs one row's changes; what repeats costs a bit. */
static void pack_change(struct html_pack *pack, const struct timeline_change *c) {
    unsigned has = 0;
    if (is_any(&c->came))
        has |= HAS_CAME;
    if (is_any(&c->went))
        has |= is_same(&c->went, &c->came) ? WENT_IS_CAME : HAS_WENT;
    if (is_any(&c->brief))
        has |= is_same(&c->brief, &c->went) ? BRIEF_IS_WENT : HAS_BRIEF;
    if (is_any(&c->inherited))
        has |= HAS_INHERITED;
    if (is_any(&c->left))
        has |= HAS_LEFT;
    html_pack_number(pack, has);
    if (has & HAS_CAME)
        pack_sum(pack, &c->came);
    if (has & HAS_WENT)
        pack_sum(pack, &c->went);
    if (has & HAS_BRIEF)
        pack_sum(pack, &c->brief);
    if (has & HAS_INHERITED)
        pack_sum(pack, &c->inherited);
    if (has & HAS_LEFT)
        pack_sum(pack, &c->left);
}

static int compare_numbers(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Packs the changes gathered so far, and begins anew. */
static void pack_changes(struct html_pack *pack, struct packing *p) {
    uint32_t before = 0;
    if (p->changed_count)
        qsort(p->changed, p->changed_count, sizeof *p->changed, compare_numbers);
    html_pack_number(pack, p->changed_count);
    for (uint32_t i = 0; i < p->changed_count; i++) {
        uint32_t row = p->changed[i];
        html_pack_number(pack, row - before);
        pack_change(pack, &p->sum[row]);
        p->is_changed[row] = false;
        before = row;
    }
    p->changed_count = 0;
}

/* ---- all steps ---------------------------------------------------------------------------------
 */

/* Packs the steps, `each` of them put together, but the one that ends with the peak stays the end
 * of one. Returns how many. */
static uint32_t pack_steps(struct html_pack *pack, struct packing *p, uint32_t each) {
    const struct timeline *t = p->timeline;
    uint64_t most = 0, least = UINT64_MAX, event = 0, ns = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->steps; i++) {
        const struct timeline_step *s = &t->step[i];
        add_step(p, s);
        most = s->most_bytes > most ? s->most_bytes : most;
        least = s->least_bytes < least ? s->least_bytes : least;
        if ((i + 1) % each && (int64_t)i != t->peak_step && i + 1 < t->steps)
            continue;
        html_pack_number(pack, s->event - event);
        html_pack_signed(pack, (int64_t)(s->ns - ns));
        html_pack_number(pack, most);
        html_pack_number(pack, least);
        pack_changes(pack, p);
        event = s->event;
        ns = s->ns;
        most = 0;
        least = UINT64_MAX;
        count++;
    }
    return count;
}

/* Sets the packed list of rows. */
static void set_rows(json_t *data, const struct packing *p) {
    struct html_pack rows = {0};
    uint32_t before = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        html_pack_number(&rows, p->row[i].place - before);
        html_pack_number(&rows, p->row[i].process);
        before = p->row[i].place;
    }
    hak_json_set(data, JSON("rows", html_pack_json(&rows)));
}

bool html_set_steps(json_t *data, const struct timeline *timeline, const struct html_stacks *stacks,
                    uint64_t most_bytes) {
    struct packing p = {.timeline = timeline, .stacks = stacks};
    struct html_pack steps = {0};
    bool good = make_rows(&p);
    for (uint32_t each = 1; good; each *= 2) {
        uint32_t count = pack_steps(&steps, &p, each);
        if (steps.failed || steps.count <= most_bytes || count / 2 < STEPS_LEAST)
            break;
        free(steps.bytes);
        steps = (struct html_pack){0};
    }
    if (good) {
        set_rows(data, &p);
        good = !steps.failed && json_object_set_new(data, "steps", html_pack_json(&steps)) == 0;
    }
    free(steps.bytes);
    free_rows(&p);
    return good;
}

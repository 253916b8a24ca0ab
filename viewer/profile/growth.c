/* Finds the span between start-up and teardown, and what rises all through it. */
#include "viewer/profile/growth.h"

#include <stdlib.h>

#define PARTS      6    /* of the span, by its events: a program that waits does not stop to grow */
#define SWING      8    /* a rise of this part of the fall is part of it; so is what is left live */
#define LAST_RISE  4    /* part of the mean */
#define LEAST_RISE 1000 /* part of what is held */

/* ---- the span ----------------------------------------------------------------------------------
 */

static uint64_t live_at(const struct timeline *t, int64_t moment) {
    return moment < 0 ? t->flow.before.bytes : t->step[moment].live.bytes;
}

static uint64_t time_at(const struct timeline *t, int64_t moment) {
    return moment < 0 ? t->flow.from_ns : t->step[moment].ns;
}

/* The event at the end of a step; -1 is the event before the timeline begins. */
static uint64_t event_at(const struct timeline *t, int64_t moment) {
    uint64_t last = t->step[t->steps - 1].event;
    if (moment >= 0)
        return t->step[moment].event;
    return last > t->flow.events ? last - t->flow.events : 0;
}

/* Goes back from the end as long as more was live before. A swing on the way is part of the fall.
 */
static int64_t begin_of_fall(const struct timeline *t) {
    int64_t last = (int64_t)t->steps - 1, begin = last;
    uint64_t end = live_at(t, last), most = end;
    for (int64_t i = last - 1; i >= -1; i--) {
        uint64_t live = live_at(t, i);
        if (live > most) {
            most = live;
            begin = i;
        } else if (most - live > (most - end) / SWING) {
            break;
        }
    }
    return begin;
}

static uint64_t middle(uint64_t from_ns, uint64_t to_ns) {
    return from_ns + (to_ns > from_ns ? (to_ns - from_ns) / 2 : 0);
}

/* Whether a fall is the teardown: more than a swing, and short or lasting to the end: a program
 * that was large at its start and has been idle since has none. */
static bool is_teardown(const struct timeline *t, int64_t begin) {
    int64_t last = (int64_t)t->steps - 1;
    uint64_t most = live_at(t, begin), fall = most - live_at(t, last);
    uint64_t first_ns = time_at(t, -1), begin_ns = time_at(t, begin), end_ns = time_at(t, last);
    uint64_t half = live_at(t, timeline_step_at(t, middle(begin_ns, end_ns)));
    bool goes_on = half > live_at(t, last) && half - live_at(t, last) > fall / SWING;
    return begin >= 0 && begin < last && fall > most / SWING &&
           (begin_ns >= middle(first_ns, end_ns) || goes_on);
}

void growth_find(struct growth *g) {
    const struct timeline *t = &g->timeline;
    g->from = g->to = (int64_t)t->steps - 1;
    if (t->steps == 0)
        return;
    int64_t begin = begin_of_fall(t);
    g->has_teardown = is_teardown(t, begin);
    if (g->has_teardown)
        g->to = begin;
    g->from = timeline_step_at(t, middle(time_at(t, -1), time_at(t, g->to)));
    if (g->from >= g->to)
        g->from = g->to - 1;
    g->from_ns = time_at(t, g->from);
    g->to_ns = time_at(t, g->to);
}

/* ---- what goes on ------------------------------------------------------------------------------
 */

struct curve {
    int64_t live;
    int64_t least[PARTS];
    int64_t before; /* the most of the least in the parts before the span */
};

/* Whether the least live bytes rose in each part of the time, and enough to be called growth: also
 * by as much as they had fallen before. */
static bool rises(const struct curve *c) {
    int64_t rise = c->least[PARTS - 1] - c->least[0],
            last = c->least[PARTS - 1] - c->least[PARTS - 2];
    for (int i = 1; i < PARTS; i++)
        if (c->least[i] <= c->least[i - 1])
            return false;
    if (c->before - c->least[PARTS - 1] > rise)
        return false;
    return last * LAST_RISE * (PARTS - 1) >= rise && rise >= c->least[PARTS - 1] / LEAST_RISE;
}

struct curves {
    const uint32_t *group_of_row;
    struct curve *curve;
    struct hak_amount *held, *inherited; /* by row */
};

static void begin_part(struct curve *curve, uint32_t groups, int part) {
    for (uint32_t i = 0; i < groups; i++)
        curve[i].least[part] = curve[i].live;
}

/* Adds the changes of a step at its end: the bytes held within it are not known. */
static void add_step_to_curve(const struct timeline *t, int64_t step, struct curves *all) {
    const struct timeline_step *s = &t->step[step];
    for (uint32_t i = s->first; i < s->first + s->changes; i++) {
        const struct timeline_change *c = &t->change[i];
        uint32_t group = all->group_of_row[c->row];
        struct hak_amount *held = &all->held[c->row], *inherited = &all->inherited[c->row];
        uint64_t before = timeline_own(*held, *inherited).bytes;
        hak_amount_add(inherited, c->inherited);
        hak_amount_add(held, c->inherited);
        hak_amount_add(held, c->came);
        hak_amount_take(held, c->went);
        hak_amount_take(held, c->left);
        if (group != UINT32_MAX)
            all->curve[group].live += (int64_t)(timeline_own(*held, *inherited).bytes - before);
    }
}

/* Lowers the least live bytes in this part of the groups that a step changes. */
static void look_at_step(const struct timeline *t, int64_t step, const uint32_t *group_of_row,
                         int part, struct curve *curve) {
    const struct timeline_step *s = &t->step[step];
    for (uint32_t i = s->first; i < s->first + s->changes; i++) {
        uint32_t group = group_of_row[t->change[i].row];
        if (group != UINT32_MAX && curve[group].live < curve[group].least[part])
            curve[group].least[part] = curve[group].live;
    }
}

/* Follows the curves over the steps behind `from` up to `to`, with the least of each part. */
static void follow_parts(const struct timeline *t, int64_t from, int64_t to, struct curves *all,
                         uint32_t groups) {
    uint64_t first = event_at(t, from), last = event_at(t, to);
    uint64_t span = last > first ? last - first : 1;
    int part = 0;
    begin_part(all->curve, groups, part);
    for (int64_t i = from + 1; i <= to; i++) {
        int now = (int)((unsigned __int128)(event_at(t, i) - first) * PARTS / span);
        while (part < now && part + 1 < PARTS) /* what was held when it began */
            begin_part(all->curve, groups, ++part);
        add_step_to_curve(t, i, all);
        look_at_step(t, i, all->group_of_row, part, all->curve);
    }
    while (part + 1 < PARTS)
        begin_part(all->curve, groups, ++part);
}

/* Keeps the most that a group held for a whole part of the time before the span. */
static void keep_before(struct curve *curve, uint32_t groups) {
    for (uint32_t i = 0; i < groups; i++)
        for (int part = 0; part < PARTS; part++)
            if (curve[i].least[part] > curve[i].before)
                curve[i].before = curve[i].least[part];
}

bool growth_find_going_on(const struct growth *g, const uint32_t *group_of_row, uint32_t groups,
                          bool *goes_on) {
    const struct timeline *t = &g->timeline;
    struct curve *curve = calloc((size_t)groups + 1, sizeof *curve);
    struct hak_amount *held = calloc(2 * (size_t)t->flow.rows + 1, sizeof *held);
    if (!curve || !held || t->steps == 0) {
        free(curve);
        free(held);
        return t->steps == 0;
    }
    struct curves all = {group_of_row, curve, held, held + t->flow.rows};
    for (uint32_t i = 0; i < t->flow.rows; i++) {
        held[i] = t->flow.row[i].before;
        if (group_of_row[i] != UINT32_MAX)
            curve[group_of_row[i]].live += (int64_t)held[i].bytes;
    }
    follow_parts(t, -1, g->from, &all, groups);
    keep_before(curve, groups);
    follow_parts(t, g->from, g->to, &all, groups);
    for (uint32_t i = 0; i < groups; i++)
        goes_on[i] = rises(&curve[i]);
    free(curve);
    free(held);
    return true;
}

void growth_free(struct growth *g) {
    timeline_free(&g->timeline);
}

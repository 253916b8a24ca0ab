/* The timeline and its moments. */
#include "viewer/view/time_pane.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/view/columns.h"

#define AXIS 9 /* columns at its left, for bytes */

/* The most live bytes at any time, which is the chart's height. */
static uint64_t most_of(const struct data *d) {
    uint64_t most = d->timeline.flow.peak.live.bytes;
    if (d->timeline.flow.before.bytes > most)
        most = d->timeline.flow.before.bytes;
    for (uint32_t i = 0; i < d->timeline.steps; i++)
        if (d->timeline.step[i].most_bytes > most)
            most = d->timeline.step[i].most_bytes;
    return most;
}

void time_pane_fill_values(const struct data *d, uint64_t *value, int count) {
    const struct timeline *t = &d->timeline;
    uint64_t from = t->flow.from_ns, to = t->flow.to_ns, level = t->flow.before.bytes;
    uint32_t step = 0;
    for (int i = 0; i < count; i++) {
        uint64_t end = chart_time(i, from, to, count);
        value[i] = level;
        for (; step < t->steps && (t->step[step].ns <= end || i == count - 1); step++) {
            value[i] = t->step[step].most_bytes > value[i] ? t->step[step].most_bytes : value[i];
            level = t->step[step].live.bytes;
        }
    }
    int peak = d->is_alone && t->peak_step >= 0
                   ? chart_column(t->flow.peak.ns, from, to, count) /* in the middle of a run */
                   : -1;
    if (peak >= 0 && value[peak] < t->flow.peak.live.bytes)
        value[peak] = t->flow.peak.live.bytes;
}

/* The chart's column of a time. */
static int column_at(const struct time_pane *p, const struct data *d, uint64_t ns) {
    uint64_t from = d->timeline.flow.from_ns, to = d->timeline.flow.to_ns;
    ns = ns < from ? from : ns > to ? to : ns;
    return chart_column(ns, from, to, p->columns);
}

static void put_at(struct time_pane *p, struct browser *b, int column, uint32_t mark,
                   enum canvas_style style) {
    canvas_put_char(&b->canvas, p->row + p->rows, p->column + column, style, mark);
}

/* Whether an event or time lies in what is shown. */
static bool is_shown(const struct data *d, uint64_t event, uint64_t ns) {
    const struct data_range *zoom = d->zooms ? &d->zoom[d->zooms - 1] : NULL;
    return !zoom || (event > zoom->from && (!zoom->to || event <= zoom->to)) ||
           (!event && ns >= d->timeline.flow.from_ns && ns <= d->timeline.flow.to_ns);
}

/* Times at both ends, where the program's marks (m), the faults (!) and the peak (P) are, and the
 * moment. */
static void draw_axis(struct time_pane *p, struct browser *b) {
    const struct data *d = &b->data;
    struct canvas *c = &b->canvas;
    int row = p->row + p->rows;
    canvas_fill(c, row, p->column, c->columns, CANVAS_DIM, c->is_utf8 ? 0x2500 : '-');
    canvas_put_right(c, row, 0, p->column - 1, CANVAS_DIM,
                     hak_words_time(d->timeline.flow.from_ns));
    const char *end = hak_words_time(d->timeline.flow.to_ns);
    struct hak_text length = {0};
    if (d->zooms) /* the same time as the begin's, it may be */
        hak_text_add(&length, "+%s ", view_span(d->timeline.flow.to_ns - d->timeline.flow.from_ns));
    canvas_put_right(c, row, 0, c->columns, CANVAS_DIM, d->zooms ? hak_text_string(&length) : end);
    hak_text_free(&length);
    for (uint32_t i = 0; i < d->marks; i++)
        if (is_shown(d, d->mark[i].event, d->mark[i].ns))
            put_at(p, b, column_at(p, d, d->mark[i].ns), 'm', CANVAS_BOLD);
    for (size_t i = 0; i < d->findings.count; i++)
        if (d->findings.list[i].kind != FINDING_LEAK && is_shown(d, 0, d->findings.list[i].ns))
            put_at(p, b, column_at(p, d, d->findings.list[i].ns), '!', CANVAS_RED);
    if (d->timeline.peak_step >= 0)
        put_at(p, b, column_at(p, d, d->timeline.flow.peak.ns), 'P', CANVAS_BOLD);
    if (d->is_span)
        put_at(p, b, column_at(p, d, data_time(d, &d->from)), '[', CANVAS_BOLD);
    put_at(p, b, column_at(p, d, data_time(d, &d->at)), d->is_span ? ']' : '^', CANVAS_BOLD);
}

void time_pane_draw(struct time_pane *p, struct browser *b, int row, int rows, bool has_keys) {
    struct canvas *c = &b->canvas;
    const struct data *d = &b->data;
    p->row = row;
    p->rows = rows - 1;
    p->column = AXIS;
    p->columns = c->columns - AXIS;
    int count = p->columns * chart_per_column(b->chart);
    if (count > p->value_room) {
        uint64_t *value = realloc(p->value, (size_t)count * sizeof *value);
        if (!value)
            return;
        p->value = value;
        p->value_room = count;
    }
    time_pane_fill_values(d, p->value, count);
    uint64_t most = most_of(d);
    struct chart chart = {.kind = b->chart,
                          .value = p->value,
                          .most = most,
                          .row = row,
                          .column = AXIS,
                          .rows = p->rows,
                          .columns = p->columns,
                          .cursor = column_at(p, d, data_time(d, &d->at)),
                          .span_from = -1,
                          .has_keys = has_keys};
    if (d->is_span) {
        chart.span_from = column_at(p, d, data_time(d, &d->from));
        chart.span_to = chart.cursor;
    }
    chart_draw(c, &chart);
    canvas_put_right(c, row, 0, AXIS - 1, CANVAS_DIM, columns_size((int64_t)most, false));
    if (p->rows > 3)
        canvas_put_right(c, row + p->rows / 2, 0, AXIS - 1, CANVAS_DIM,
                         columns_size((int64_t)(most / 2), false));
    canvas_put_right(c, row + p->rows - 1, 0, AXIS - 1, CANVAS_DIM, "0");
    draw_axis(p, b);
}

void time_pane_free(struct time_pane *p) {
    free(p->value);
}

int time_pane_choose(const struct time_pane *p, struct data *d, int column) {
    column = column < 0 ? 0 : column >= p->columns ? p->columns - 1 : column;
    uint64_t end = chart_time(column, d->timeline.flow.from_ns, d->timeline.flow.to_ns, p->columns);
    return data_choose_step(d, timeline_step_at(&d->timeline, end));
}

/* Moves the moment by columns of the chart, over columns in which nothing happened to the next
 * step. A status. */
int time_pane_move(const struct time_pane *p, struct data *d, int by) {
    int column = column_at(p, d, data_time(d, &d->at)) + by;
    int64_t step = -1, here = d->at.step;
    if (column >= 0) {
        column = column >= p->columns ? p->columns - 1 : column;
        step = timeline_step_at(&d->timeline, chart_time(column, d->timeline.flow.from_ns,
                                                         d->timeline.flow.to_ns, p->columns));
    }
    if (by > 0 && step <= here)
        step = here + 1;
    if (by < 0 && step >= here && !d->at.is_event)
        step = here - 1;
    return data_choose_step(d, step);
}

bool time_pane_find_mark(const struct data *d, int direction, struct view_moment *out) {
    uint64_t here = d->at.at.event;
    if (d->at.at.kind == VIEW_AT_END)
        here = UINT64_MAX;
    const struct data_mark *found = NULL, *first = NULL;
    for (uint32_t i = 0; i < d->marks; i++) {
        const struct data_mark *m = &d->mark[direction > 0 ? i : d->marks - 1 - i];
        if (!is_shown(d, m->event, m->ns))
            continue;
        if (!first)
            first = m;
        if (!found && (direction > 0 ? m->event > here : m->event < here))
            found = m;
    }
    if (!found) /* around the end */
        found = first;
    if (!found)
        return false;
    *out = (struct view_moment){.kind = VIEW_AT_EVENT, .event = found->event, .ns = found->ns};
    snprintf(out->name, sizeof out->name, "%s", found->name);
    return true;
}

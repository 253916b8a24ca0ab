/* Folded stacks, "main;parse;parse_row 4096", a line for each path: the format of flamegraph.pl and
 * most viewers of flame graphs (Brendan Gregg's FlameGraph, stackcollapse-*.pl). */
#include "viewer/export/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

#define SIDES 2

/* Lines that read alike are one. */
struct line {
    char *stack;
    int64_t value[SIDES];
};
struct folded {
    struct line *line;
    uint32_t lines, room;
    struct hak_index by_stack;
    bool failed;
};

/* The line of the stack, whose text it takes over; NULL without memory. */
static struct line *find_or_add_line(struct folded *f, char *stack) {
    uint64_t key = stack ? hak_index_hash(stack, strlen(stack)) : 0, at = 0;
    for (uint32_t row; stack && (row = hak_index_find(&f->by_stack, key, &at)) != 0;)
        if (strcmp(f->line[row - 1].stack, stack) == 0) {
            free(stack);
            return &f->line[row - 1];
        }
    if (!stack || !hak_growing_make_room(&f->line, f->lines, &f->room, sizeof *f->line) ||
        !hak_index_add(&f->by_stack, key, f->lines + 1)) {
        free(stack);
        f->failed = true;
        return NULL;
    }
    f->line[f->lines] = (struct line){.stack = stack};
    return &f->line[f->lines++];
}

/* Adds the values of one side's rows to the lines of their stacks; rows of value 0 are left out. 0,
 * or an exit status: the error is printed. */
static int fold_rows(struct folded *f, struct export *e, int side) {
    for (uint32_t i = 0; i < e->rows && !f->failed; i++) {
        int64_t value = profile_value(&e->query, &e->row[i].sums, e->query.by);
        if (!value)
            continue;
        if (!export_find_path(e, &e->row[i]))
            break;
        struct hak_text text = {0};
        export_add_folded(&text, &e->places, &e->path, e->query.per);
        struct line *line = find_or_add_line(f, hak_text_take(&text));
        if (line)
            line->value[side] += value;
    }
    e->failed |= f->failed;
    return export_say_errors(e);
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(((const struct line *)a)->stack, ((const struct line *)b)->stack);
}

/* Writes the lines, sorted, with one number or two. */
static void write_lines(struct folded *f, struct view_sink *sink, int sides) {
    if (f->lines)
        qsort(f->line, f->lines, sizeof *f->line, compare_lines);
    for (uint32_t i = 0; i < f->lines; i++) {
        const struct line *line = &f->line[i];
        struct hak_text text = {0};
        hak_text_add(&text, "%" PRId64, line->value[0]);
        if (sides == SIDES)
            hak_text_add(&text, " %" PRId64, line->value[1]);
        hak_text_add(&text, "\n");
        view_sink_add_bytes(sink, line->stack, strlen(line->stack));
        view_sink_add_bytes(sink, " ", 1);
        view_sink_add(sink, &text);
    }
}

static void free_folded(struct folded *f) {
    for (uint32_t i = 0; i < f->lines; i++)
        free(f->line[i].stack);
    free(f->line);
    hak_index_free(&f->by_stack);
}

int export_collapsed(struct export *e) {
    struct folded f = {0};
    if (e->query.by == PROFILE_GROWTH) {
        view_error("export collapsed: a flame graph has no place for what shrank; --by bytes, "
                   "blocks, calls or short-lived, or the format collapsed-diff");
        return VIEW_USAGE;
    }
    int status = fold_rows(&f, e, 0);
    if (status == 0)
        write_lines(&f, e->sink, 1);
    free_folded(&f);
    return status;
}

/* ---- of two captures, or of two moments of one -------------------------------------------------
 * "main;parse 4096 8192": before and after, as difffolded.pl has it for red and blue flame graphs.
 */

/* Opens one side's view and folds its rows; `--by growth` is refused. The view's status, also
 * VIEW_INCOMPLETE of a capture that is not whole. */
static int read_side(struct folded *f, const struct export *all, struct view *view, int side) {
    struct export e = {.view = view, .query = all->query};
    int status = view_open(view);
    if (status == 0)
        status = export_read(&e, false);
    if (status == 0 && e.query.by == PROFILE_GROWTH) {
        view_error("export collapsed-diff has --by bytes, blocks, calls or short-lived: the two "
                   "numbers of a line are what grew");
        status = VIEW_USAGE;
    }
    if (status == 0)
        status = fold_rows(f, &e, side);
    if (status == 0)
        status = view_say_completeness(view);
    export_free(&e);
    return status;
}

int export_difference(struct export *e) {
    struct folded f = {0};
    struct view side[SIDES];
    int status[SIDES] = {VIEW_USAGE, VIEW_USAGE};
    if (!profile_choose_sides(e->view, "export collapsed-diff", &side[0], &side[1]))
        return VIEW_USAGE;
    status[0] = read_side(&f, e, &side[0], 0);
    bool is_read = status[0] == VIEW_OK || status[0] == VIEW_INCOMPLETE;
    if (is_read)
        status[1] = read_side(&f, e, &side[1], 1);
    is_read = is_read && (status[1] == VIEW_OK || status[1] == VIEW_INCOMPLETE);
    if (is_read)
        write_lines(&f, e->sink, SIDES);
    free_folded(&f);
    view_close(&side[0]);
    view_close(&side[1]);
    return status[0] ? status[0] : status[1];
}

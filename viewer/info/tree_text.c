/* Draws the tree of processes. */
#include "viewer/info/tree.h"

#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

#define CHILDREN_SHOWN 8     /* of one process */
#define ROWS_SHOWN     60    /* of the whole tree */
#define DEPTH_MAX      200   /* deeper ones are drawn at this depth */
#define LEVELS_MAX     10000 /* still deeper ones are left out */
#define COMMAND_WIDTH  70

enum {
    PID_AT = 8,
    START_AT = 16,
    LIVED_AT = 27,
    THREADS_AT = 38,
    EVENTS_AT = 47,
    END_AT = 62,
    PROGRAM_AT = 86
};

struct drawing {
    struct hak_text *text;
    struct view *view;
    const struct tree *tree;
    bool all;
    int shown, left_out, level;
    bool is_last[DEPTH_MAX]; /* at each depth: no sibling follows */
};

/* How the process ended. */
static void add_end(struct hak_text *text, const struct drawing *d, const struct tree_process *p) {
    switch (p->end_kind) {
    case 1:
        if (p->exit_status >= 0)
            hak_text_add(text, "exited with %d", p->exit_status);
        else
            hak_text_add(text, "ended");
        break;
    case 2:
        if (p->signal > 0)
            hak_text_add(text, "killed by %s", hak_words_signal((unsigned)p->signal));
        else
            hak_text_add(text, "ended, how is unknown");
        break;
    case 3:
        if (p->became >= 0)
            hak_text_add(text, "became #%u", d->tree->list[p->became].id);
        else
            hak_text_add(text, "became another");
        break;
    case 4:
        hak_text_add(text, "became unrecorded");
        break;
    default:
        hak_text_add(text, d->view->summary.being_written             ? "lives"
                           : view_sampled_rate(d->view) && !p->end_ns ? "went on"
                                                                      : "end not seen");
        break;
    }
}

/* Adds the command line with the path of its first word left out, cut to what stands in a line. */
static void add_command(struct hak_text *text, const struct tree_process *p) {
    const char *line = p->command_line[0] ? p->command_line : p->program;
    size_t first = strcspn(line, " ");
    const char *name = line + first;
    while (name > line && name[-1] != '/')
        name--;
    struct hak_text all = {0};
    hak_text_add_name(&all, name[0] && name[0] != ' ' ? name : line);
    const char *bytes = all.bytes ? all.bytes : "?";
    if (strlen(bytes) <= COMMAND_WIDTH) {
        hak_text_add(text, "%s", bytes);
    } else {
        int cut = COMMAND_WIDTH - 3;
        while (cut > 0 && ((unsigned char)bytes[cut] & 0xc0) == 0x80)
            cut--; /* not in the middle of a character */
        hak_text_add(text, "%.*s...", cut, bytes);
    }
    hak_text_free(&all);
}

/* Draws the branches of the tree that lead to an entry, in front of it. `is_program`: the entry is
 * the program that the process above it executed. */
static void add_branches(struct drawing *d, int depth, bool is_program) {
    bool is_last = d->is_last[depth];
    for (int i = 1; i < depth; i++)
        hak_text_add(d->text, "%s", d->is_last[i] ? "   " : "│  ");
    if (is_program)
        hak_text_add(d->text, "%s", depth == 0 ? "=> " : is_last ? "   => " : "│  => ");
    else if (depth != 0)
        hak_text_add(d->text, "%s", is_last ? "└─ " : "├─ ");
}

/* A process's line. */
static void add_process_line(struct drawing *d, int i, int depth) {
    const struct tree_process *p = &d->tree->list[i];
    struct hak_text *text = d->text;
    bool is_wrong = p->faults > 0;
    hak_text_add(text, "%s#%u", is_wrong ? view_style(d->view, VIEW_RED) : "", p->id);
    hak_text_add_at(text, PID_AT, "%d", p->pid);
    hak_text_add_at(text, START_AT, "%s", hak_words_time(p->start_ns));
    hak_text_add_at(text, LIVED_AT, "%s",
                    p->end_ns > p->start_ns ? view_span(p->end_ns - p->start_ns) : "");
    hak_text_add_at(text, THREADS_AT, "%s", hak_words_number(p->threads));
    hak_text_add_at(text, EVENTS_AT, "%s", hak_words_number(p->events));
    hak_text_tab(text, END_AT);
    add_end(text, d, p);
    hak_text_tab(text, PROGRAM_AT);
    add_branches(d, depth, p->was >= 0);
    const struct tree_process *parent = NULL;
    int above = tree_find(d->tree, p->parent);
    if (p->was < 0 && above >= 0)
        parent = &d->tree->list[above];
    add_command(text, p);
    if (parent && parent->session == p->session)
        hak_text_add(text, " (forked)");
    if (p->faults > 0)
        hak_text_add(text, "   %s", hak_words_count(p->faults, "fault", "faults"));
    if (p->lost > 0)
        hak_text_add(text, "   %s lost", hak_words_count(p->lost, "event", "events"));
    if (p->note[0]) {
        hak_text_add(text, "   %s", p->note);
    }
    hak_text_add(text, "%s\n", is_wrong ? view_style(d->view, VIEW_PLAIN) : "");
    d->shown++;
}

/* Adds "... 992 more (gcc-12 660, as 332)": children that are not drawn, and all below them. */
static void add_rest(struct drawing *d, int from, int depth) {
    struct {
        const char *program;
        int count;
    } most[4] = {{0}};
    int total = 0, other = 0;
    for (int i = from; i >= 0; i = d->tree->list[i].next_sibling) {
        const struct tree_process *p = &d->tree->list[i];
        if (p->must_be_shown)
            continue;
        while (p->became >= 0)
            p = &d->tree->list[p->became];
        const char *name = hak_words_path(p->program, 1, false);
        int at = 0;
        while (at < 4 && most[at].program && strcmp(most[at].program, name) != 0)
            at++;
        if (at == 4) {
            other++;
        } else {
            most[at].program = name;
            most[at].count++;
        }
        total += d->tree->list[i].below + 1;
    }
    if (total == 0)
        return;
    d->left_out += total;
    hak_text_tab(d->text, PROGRAM_AT);
    add_branches(d, depth, false);
    hak_text_add(d->text, "... %s (", hak_words_count((uint64_t)total, "more", "more"));
    for (int at = 0; at < 4 && most[at].program; at++) {
        hak_text_add(d->text, "%s%s", at ? ", " : "", most[at].program);
        if (most[at].count > 1)
            hak_text_add(d->text, " x %d", most[at].count);
    }
    hak_text_add(d->text, "%s)\n", other > 0 ? ", ..." : "");
}

static void draw(struct drawing *d, int i, int depth);

/* Draws the children; of many only the first, those that must be seen, and a line for the rest. */
static void draw_children(struct drawing *d, int first, int depth) {
    int child_depth = depth + 1 < DEPTH_MAX ? depth + 1 : DEPTH_MAX - 1;
    int children = 0, at = 0;
    for (int i = first; i >= 0; i = d->tree->list[i].next_sibling)
        children++;
    bool cuts = !d->all && children > CHILDREN_SHOWN;
    for (int i = first; i >= 0; i = d->tree->list[i].next_sibling, at++) {
        bool is_full = !d->all && d->shown >= ROWS_SHOWN;
        if ((cuts && at >= CHILDREN_SHOWN - 1) || is_full) {
            /* Those that must be seen, then a line for the others. */
            for (int k = i; k >= 0; k = d->tree->list[k].next_sibling) {
                d->is_last[child_depth] = false;
                if (d->tree->list[k].must_be_shown)
                    draw(d, k, child_depth);
            }
            d->is_last[child_depth] = true;
            add_rest(d, i, child_depth);
            return;
        }
        d->is_last[child_depth] = d->tree->list[i].next_sibling < 0;
        draw(d, i, child_depth);
    }
}

/* Draws a process, the programs it became, and the children of each. */
static void draw(struct drawing *d, int i, int depth) {
    if (d->level == LEVELS_MAX) {
        d->left_out += d->tree->list[i].below + 1;
        return;
    }
    d->level++;
    for (; i >= 0; i = d->tree->list[i].became) {
        add_process_line(d, i, depth);
        /* A child is drawn below the program that its parent was then; the line at its left goes on
         * to the program that the parent became. */
        draw_children(d, d->tree->list[i].first_child, depth);
    }
    d->level--;
}

void tree_add_table(struct hak_text *text, struct view *view, const struct tree *tree, int root,
                    bool all) {
    struct drawing d = {.text = text, .view = view, .tree = tree, .all = all};
    static const struct {
        int column;
        const char *name;
    } heading[] = {{PID_AT, "pid"},         {START_AT, "start"},   {LIVED_AT, "lived"},
                   {THREADS_AT, "threads"}, {EVENTS_AT, "events"}, {END_AT, "end"},
                   {PROGRAM_AT, "program"}};
    hak_text_add(text, "%sPROCESS", view_style(view, VIEW_BOLD));
    for (size_t i = 0; i < sizeof heading / sizeof heading[0]; i++) {
        hak_text_add_at(text, heading[i].column, "%s", heading[i].name);
    }
    hak_text_add(text, "%s\n", view_style(view, VIEW_PLAIN));
    if (root >= 0)
        draw(&d, root, 0);
    else
        for (int i = tree->first_root; i >= 0; i = tree->list[i].next_sibling)
            draw(&d, i, 0);
    if (d.left_out > 0)
        hak_text_add(text, "%s not shown; %s\n",
                     hak_words_count((uint64_t)d.left_out, "process is", "processes are"),
                     all ? "they lie too deep in the tree" : "--all shows them");
}

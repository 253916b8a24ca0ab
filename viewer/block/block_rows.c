/* The page of `block`: what the address is, two lines for each life, totals. */
#include "viewer/block/lives.h"

#include <inttypes.h>
#include "report/words/words.h"
#include "hop.h"
#include "viewer/capture/capture.h"
#include "trace/record.h"

/* Columns: rows are printed as they come, so widths are not measured. */
enum { OTHERS_TOLD = 16, WHAT = 36, LIVED = 52, MOVES = 62, THREAD = 69, PLACE = 81, WHERE = 101 };

static void add_not_told(struct hak_text *text, uint64_t lives) {
    if (lives > 0)
        hak_text_add(text, "  ...     %s not shown\n", hak_words_count(lives, "life", "lives"));
}

/* Prints the position, other blocks at the address, and the table's heading. */
void block_write_head(struct block *block) {
    struct view *view = block->view;
    struct hak_text text = {0};
    view_add_head(&text, view, &block->position, "", "");
    for (int i = 0; i < block->others && i < OTHERS_TOLD; i++)
        hak_text_add(
            &text,
            "%s this address was in another block, base 0x%" PRIx64
            " (%s), last used at event %s: --until '#%" PRIu64 "'\n",
            block->other[i].last_event < block->position.block.last_event ? "Before," : "Later,",
            block->other[i].base, hak_words_class(view->reader, block->other[i].class_index),
            hak_words_number(block->other[i].last_event), block->other[i].last_event);
    if (block->others > OTHERS_TOLD)
        hak_text_add(
            &text,
            "It was in %d%s other blocks besides: hakmem-trace sql \"SELECT * FROM block WHERE"
            " addr = 0x%" PRIx64 "\"\n",
            block->others - OTHERS_TOLD, block->others >= VIEW_BLOCKS_MAX - 1 ? " or more" : "",
            block->position.address);
    hak_text_add(&text, "\n%s  life           event        time  what",
                 view_style(view, VIEW_BOLD));
    hak_text_add_at(&text, LIVED, "lived");
    hak_text_add_at(&text, MOVES, "moves");
    hak_text_add_at(&text, THREAD, "thread");
    hak_text_add_at(&text, PLACE, "layer");
    hak_text_add_at(&text, WHERE, "where%s\n", view_style(view, VIEW_PLAIN));
    add_not_told(&text, block->skip);
    view_print(&text);
}

/* Adds the row of one event. `number` 0: not the first line of its life; `lived` and `note` NULL:
 * nothing. */
static void add_event_row(struct hak_text *text, struct block *block, const struct hak_event *e,
                          uint64_t number, const char *lived, uint64_t moves, const char *note) {
    struct view *view = block->view;
    bool is_wrong = note != NULL;
    hak_text_add(text, "%s", is_wrong ? view_style(view, VIEW_RED) : "");
    if (number != 0)
        hak_text_add(text, "  %s", hak_words_number(number));
    hak_text_add_at(text, 8, "%c %12s  %10s", is_wrong ? '>' : ' ', hak_words_number(e->id),
                    hak_words_time(e->ns));
    hak_text_add_at(text, WHAT, "%s", hak_words_call(e));
    if (lived) {
        hak_text_add_at(text, LIVED, "%s", lived);
    }
    if (moves > 0) {
        hak_text_add_at(text, MOVES, "%5s", hak_words_number(moves));
    }
    hak_text_add_at(text, THREAD, "%s", view_thread_label(view, e->thread));
    if (hak_event_is_move(e)) {
        hak_text_add_at(text, PLACE, "%s", hak_words_route(e));
    }
    if (hak_event_is_call(e) && e->class_index != block->position.block.class_index)
        hak_text_add(text, ", %s", hak_words_class(view->reader, e->class_index));
    if (hak_event_is_call(e)) {
        hak_text_tab(text, WHERE);
        view_add_place(text, view, e->stack);
    }
    if (note)
        hak_text_add(text, "   %s", note);
    hak_text_add(text, "%s\n", is_wrong ? view_style(view, VIEW_PLAIN) : "");
    if (view_given(view, "stacks"))
        view_add_event_stack(text, view, e, WHAT);
}

/* How long the life was, as text; NULL: unknown. */
static const char *span_of(const struct hak_life_row *row) {
    if (row->life.birth.id == 0 || row->end.id == 0)
        return NULL;
    return view_span(row->end.ns > row->life.birth.ns ? row->end.ns - row->life.birth.ns : 0);
}

/* Prints a life's rows: birth, resizes, end, and a second end. */
void block_write_life(struct block *block, const struct hak_life_row *row) {
    struct hak_text text = {0};
    bool has_birth = row->life.birth.id != 0;
    if (has_birth)
        add_event_row(&text, block, &row->life.birth, row->life.number,
                      row->end.id == 0 ? "live" : NULL, row->moves_before, NULL);
    if (row->life.resizes > 0) {
        if (!has_birth)
            hak_text_add(&text, "  %s", hak_words_number(row->life.number));
        hak_text_add_at(&text, WHAT, "%s in place, the last to %s\n",
                        hak_words_count(row->life.resizes, "resize", "resizes"),
                        hak_words_number(row->life.last_size));
    }
    if (row->end.id != 0)
        add_event_row(&text, block, &row->end,
                      has_birth || row->life.resizes > 0 ? 0 : row->life.number, span_of(row),
                      has_birth ? 0 : row->moves_before, NULL);
    if (row->again.id != 0)
        add_event_row(&text, block, &row->again, 0, NULL, 0, "a second end of one life");
    view_print(&text);
}

void block_write_event(struct block *block, const struct hak_event *e, enum hak_life_step step,
                       uint64_t number) {
    struct hak_text text = {0};
    const char *lived = NULL;
    const char *note = e->kind == HAK_FAULT                   ? "reported here"
                       : step == HAK_LIFE_ENDED_AGAIN         ? "a second end of one life"
                       : (e->flags & HAK_RECORD_ILLEGAL) != 0 ? "illegal"
                                                              : NULL;
    if (step == HAK_LIFE_BORN)
        block->birth = *e;
    if (step == HAK_LIFE_ENDED && block->birth.id != 0 && number == block->told_number)
        lived = view_span(e->ns > block->birth.ns ? e->ns - block->birth.ns : 0);
    add_event_row(&text, block, e, number != block->told_number ? number : 0, lived, 0, note);
    if (step != HAK_LIFE_BORN && number != block->told_number)
        block->birth.id = 0;
    block->told_number = number;
    view_print(&text);
}

/* Adds the threads with the most births and ends, and how many others there are. */
static void add_threads(struct hak_text *text, struct block *block) {
    struct tally_row most[STACKS_SHOWN];
    struct block_totals *totals = &block->totals;
    int shown = block_tally_most(&totals->threads, most, STACKS_SHOWN);
    if (shown == 0)
        return;
    hak_text_add(text, "Threads: ");
    for (int i = 0; i < shown; i++)
        hak_text_add(text, "%s%s (%s handed out, %s given back)", i ? "; " : "",
                     view_thread_label(block->view, most[i].key), hak_words_number(most[i].births),
                     hak_words_number(most[i].ends));
    if (totals->threads.used > (uint32_t)shown)
        hak_text_add(text, "; and %s%s",
                     hak_words_count(totals->threads.used - (uint32_t)shown, "other", "others"),
                     totals->threads.is_full ? " at least" : "");
    hak_text_add(text, ".\n");
}

/* Adds the stacks with the most births. */
static void add_stacks(struct hak_text *text, struct block *block) {
    struct tally_row most[STACKS_SHOWN];
    struct tally *stacks = &block->totals.stacks;
    int shown = block_tally_most(stacks, most, STACKS_SHOWN);
    if (shown == 0)
        return;
    hak_text_add(text, "Handed out from %s%s%s:\n",
                 hak_words_count(stacks->used, "stack", "stacks"),
                 stacks->is_full ? " at least" : "",
                 stacks->used > (uint32_t)shown ? "; the most frequent" : "");
    for (int i = 0; i < shown; i++) {
        hak_text_add(text, "  %12s  ", hak_words_number(most[i].births));
        view_add_stack_line(text, block->view, most[i].key, 4);
        hak_text_add(text, "\n");
    }
}

/* Adds the median, shortest and longest lifetime of lives with both ends. */
static void add_spans(struct hak_text *text, struct block_totals *totals) {
    bool is_exact;
    if (totals->spans == 0)
        return;
    uint64_t median = block_totals_median(totals, &is_exact);
    hak_text_add(text, "Lifetime: median %s%s, shortest %s, longest %s. ", is_exact ? "" : "about ",
                 view_span(median), view_span(totals->shortest_ns), view_span(totals->longest_ns));
}

void block_write_end(struct block *block) {
    struct block_totals *totals = &block->totals;
    struct view *view = block->view;
    struct hak_text text = {0};
    if (block->first != UINT64_MAX)
        add_not_told(&text, totals->lives - block->told);
    if (totals->lives == 0) {
        hak_text_add(&text, "  no life of this block%s\n",
                     view_given(view, "since") || view_given(view, "until") ? " lies in this time"
                     : view_is_light(view)                                  ? ": it was not watched"
                                           : ": it was never handed out in this capture");
        view_print(&text);
        return;
    }
    hak_text_add(&text, "\n%s, %s ended", hak_words_count(totals->lives, "life", "lives"),
                 hak_words_number(totals->ended));
    if (totals->ended_again > 0)
        hak_text_add(&text, ", %s ended twice", hak_words_number(totals->ended_again));
    hak_text_add(&text, ". ");
    add_spans(&text, totals);
    hak_text_add(&text, "Largest: %s asked. ", hak_words_bytes(totals->largest_bytes));
    if (totals->resizes > 0)
        hak_text_add(&text, "%s in place. ", hak_words_count(totals->resizes, "resize", "resizes"));
    if (totals->moves > 0)
        hak_text_add(&text, "%s between layers while free. ",
                     hak_words_count(totals->moves, "move", "moves"));
    text.length--; /* the blank behind the last sentence */
    hak_text_add(&text, "\n");
    add_threads(&text, block);
    add_stacks(&text, block);
    view_add_block_fault(&text, view, &block->fault_row, "");
    view_print(&text);
}

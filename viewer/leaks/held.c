/* `leaks --held`: the blocks that were held at the end, or at a moment, by the stacks that
 * allocated them; from the live checkpoints of the store, so that it needs no scan and no whole
 * log. */
#include "viewer/leaks/rows.h"

#include <stdlib.h>
#include <string.h>
#include "viewer/capture/capture.h"
#include "report/words/words.h"
#include "base/growing.h"
#include "base/index.h"
#include "store/history/history.h"

/* Blocks of one stack in one process; stack 0 = theirs is not known. */
struct held_row {
    uint32_t process, stack;
    uint64_t count, bytes, oldest_ns, newest_ns; /* births; oldest 0 = before the capture */
};

struct held {
    struct view *view;
    struct hak_live_moment moment;
    struct held_row *row;
    uint32_t rows, room;
    struct hak_index index;
    uint64_t blocks, bytes;
    bool no_memory;
    bool is_alone; /* only the profile is kept: nobody knows when the blocks were allocated */
};

/* The row of the process and stack; NULL without memory. */
static struct held_row *find_or_add_row(struct held *held, const struct hak_live_block *block) {
    uint64_t key = (uint64_t)block->process << 32 | block->stack, place = 0;
    uint32_t number = hak_index_find(&held->index, key, &place);
    if (number)
        return &held->row[number - 1];
    if (!hak_growing_make_room(&held->row, held->rows, &held->room, sizeof *held->row) ||
        !hak_index_add(&held->index, key, held->rows + 1))
        return NULL;
    struct held_row *row = &held->row[held->rows++];
    *row = (struct held_row){
        .process = block->process, .stack = block->stack, .oldest_ns = UINT64_MAX};
    return row;
}

/* Adds a row of the profile, the blocks of one thread group of a stack, to its stack's row, as old
 * as the recording; one without live blocks is left out. Sets no_memory when there is none. */
static void take_profile_row(struct held *held, const struct hak_heap_row *row) {
    struct hak_live_block as = {.process = row->process, .stack = row->stack};
    if (!row->live.blocks && !row->live.bytes)
        return;
    struct held_row *to = find_or_add_row(held, &as);
    held->no_memory = !to;
    if (!to)
        return;
    to->count += row->live.blocks;
    to->bytes += row->live.bytes;
    to->oldest_ns = 0;
    held->blocks += row->live.blocks;
    held->bytes += row->live.bytes;
}

/* Adds a live block to its row. 1 without memory. */
static int take_block(void *context, const struct hak_live_block *block) {
    struct held *held = context;
    struct held_row *row = find_or_add_row(held, block);
    held->no_memory = !row;
    if (!row)
        return 1;
    uint64_t ns = block->birth ? block->ns : 0;
    row->count++;
    row->bytes += block->size;
    row->oldest_ns = ns < row->oldest_ns ? ns : row->oldest_ns;
    row->newest_ns = ns > row->newest_ns ? ns : row->newest_ns;
    held->blocks++;
    held->bytes += block->size;
    return 0;
}

/* By bytes, the most first; then by process and stack. */
static int compare_most_first(const void *a, const void *b) {
    const struct held_row *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    if (x->process != y->process)
        return x->process < y->process ? -1 : 1;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Appends when the row's blocks were allocated, "1.000 s to 2.000 s"; "before": the first before
 * the recording; "not kept": the capture has only a profile. */
static void add_born(struct hak_text *text, const struct held_row *row, bool is_alone) {
    hak_text_add(text, "%s",
                 is_alone         ? "not kept"
                 : row->oldest_ns ? hak_words_time(row->oldest_ns)
                                  : "before");
    if (row->newest_ns > row->oldest_ns)
        hak_text_add(text, " to %s", hak_words_time(row->newest_ns));
}

/* The answer's first `shown` rows; in a table, equal places are told apart. */
static struct answer held_answer(struct held *held, uint32_t shown) {
    struct view *view = held->view;
    struct answer answer = answer_begin(view, view->json);
    struct leaks_places places = {0};
    bool has_process = view->summary.processes > 1 && !held->moment.process;
    for (uint32_t i = 0; i < shown && !view->json; i++)
        leaks_add_place(&places, view, held->row[i].stack);
    leaks_tell_places_apart(&places, view);
    for (uint32_t i = 0; i < shown; i++) {
        const struct held_row *row = &held->row[i];
        answer_row(&answer, DATA(NUMBER("process", row->process)),
                   FILLED("blocks", "count", row->count), AMOUNT("bytes", "bytes", row->bytes),
                   CELL(has_process ? "<process" : NULL, view_process_label(view, row->process)),
                   MADE("<allocated", add_born, row, held->is_alone),
                   CELL("<where", leaks_place(&places, i)),
                   DATA(KNOWN("oldest_ns", row->oldest_ns, row->oldest_ns)),
                   DATA(KNOWN("newest_ns", row->newest_ns, row->newest_ns)),
                   DATA(NUMBER("stack", row->stack)),
                   DATA_OF("frames", hak_json_stack(view->reader, row->stack)));
    }
    leaks_free_places(&places);
    return answer;
}

/* The rows' whole stacks. */
static void add_held_stacks(struct hak_text *text, struct held *held, uint32_t shown) {
    for (uint32_t i = 0; i < shown; i++) {
        const struct held_row *row = &held->row[i];
        hak_text_add(text, "\n%s of %s allocated from:\n",
                     hak_words_count(row->count, "block", "blocks"), hak_words_bytes(row->bytes));
        view_add_stack(text, held->view, row->stack, 6);
    }
}

/* Ids have no gaps, and the oldest may have been dropped. */
static uint64_t last_event(const struct held *held) {
    return held->view->summary.trimmed_events + held->view->summary.events;
}

/* The moment that was asked for comes after the last event. */
static bool is_beyond_end(const struct held *held) {
    return held->moment.id ? held->moment.id > last_event(held)
                           : held->moment.ns > held->view->summary.last_ns;
}

/* The moment at which the blocks were held, in words. */
static void add_moment(struct hak_text *text, const struct held *held) {
    const struct hak_live_moment *at = &held->moment;
    if (at->id)
        hak_text_add(text, "after event %s", hak_words_number(at->id));
    else if (at->ns)
        hak_text_add(text, "at %s", hak_words_time(at->ns));
    else
        hak_text_add(text, "at the end (%s)", hak_words_time(held->view->summary.last_ns));
}

/* Prints the answer as text or JSON. False, and said. */
static bool print(struct held *held, uint32_t shown) {
    struct view *view = held->view;
    struct answer answer = held_answer(held, shown);
    struct hak_text text = {0};
    uint64_t bytes = held->bytes;
    view_start_pager(view);
    if (answer.list)
        return view_print_document(
            view, hak_json_set(view_json_document(view), JSON("held", answer.list),
                               NUMBER("blocks", held->blocks), NUMBER("bytes", held->bytes),
                               FLAG("is_beyond_end", is_beyond_end(held)),
                               NUMBER("left_out", held->rows - shown)));
    answer_print(&text, &answer);
    for (uint32_t i = 0; i < shown; i++)
        bytes -= held->row[i].bytes;
    if (shown < held->rows)
        hak_text_add(&text, "... and %s (%s); --limit 0 shows all\n",
                     hak_words_count(held->rows - shown, "more line", "more lines"),
                     hak_words_bytes(bytes));
    if (view_given(view, "stacks"))
        add_held_stacks(&text, held, shown);
    hak_text_add(&text, "%s%s of %s held ", shown ? "\n" : "",
                 hak_words_count(held->blocks, "block", "blocks"), hak_words_bytes(held->bytes));
    add_moment(&text, held);
    hak_text_add(&text, " in ");
    view_add_extent(&text, view);
    hak_text_add(&text, ". ");
    if (is_beyond_end(held))
        hak_text_add(&text,
                     "That is beyond its end, event %s at %s: the blocks held then are shown. ",
                     hak_words_number(last_event(held)), hak_words_time(view->summary.last_ns));
    view_add_completeness(&text, view);
    hak_text_add(&text, "\n");
    return view_print(&text);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Reads --at and --process. False, and said. */
static bool read_moment(struct view *view, struct hak_live_moment *moment) {
    const char *at = view_value(view, "at");
    struct view_moment word = {0};
    if (!view_choose_process(view, &moment->process))
        return false;
    if (at && (strcmp(at, "peak") == 0 || strcmp(at, "start") == 0 || strcmp(at, "end") == 0)) {
        if (at[0] == 'p' && view_find_peak(view, moment->process, &word) != 0)
            return false;
        moment->id = word.event;
        at = at[0] == 'e' ? NULL : at;
    } else if (at && !view_read_when(view, "at", at, &moment->ns, &moment->id)) {
        return false;
    }
    if (at && !moment->ns && !moment->id)
        moment->ns = 1; /* 0 would be the end */
    return true;
}

/* Reads the profile where only that is kept: the nearest moment, and no times of births. Returns 0
 * or a store error. */
static int read_profile(struct held *held) {
    struct hak_live_moment *at = &held->moment;
    struct hak_heap_end end = {0};
    struct hak_heap heap = {0};
    struct hak_store_reader *r = held->view->reader;
    int result = 0;
    if ((at->id || at->ns) && !is_beyond_end(held)) {
        result = hak_heap_nearest(r, at->id, at->ns, &end);
        at->id = end.event;
        at->ns = end.event ? 0 : at->ns;
    }
    if (!result && (at->id || !at->ns || is_beyond_end(held)))
        result = hak_heap_read(r, 0, end.event, at->process, &heap);
    for (uint32_t i = 0; i < heap.rows && result == 1 && !held->no_memory; i++)
        take_profile_row(held, &heap.row[i]);
    hak_heap_free(&heap);
    return result < 0 ? result : 0;
}

int leaks_held(struct view *view, uint64_t limit) {
    struct held held = {.view = view, .is_alone = hak_store_is_profile_only(view->reader)};
    if (!read_moment(view, &held.moment))
        return view_question_status();
    int status = 0;
    int told = held.is_alone ? read_profile(&held)
                             : hak_store_live_at(view->reader, &held.moment, take_block, &held);
    if (told < 0) {
        status = view_store_error(view, told);
    } else if (held.no_memory) {
        view_error("out of memory");
        status = VIEW_USAGE;
    } else {
        status = view_look_again(view);
    }
    if (status == 0) {
        if (held.rows)
            qsort(held.row, held.rows, sizeof *held.row, compare_most_first);
        uint32_t shown = limit && limit < held.rows ? (uint32_t)limit : held.rows;
        print(&held, shown);
        status = view_completeness(view);
    }
    hak_index_free(&held.index);
    free(held.row);
    return status;
}

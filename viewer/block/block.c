/* `block ADDR`: every life of the block that holds ADDR, told as it is read. */
#include "viewer/block/block.h"
#include <jansson.h>
#include "viewer/block/lives.h"

#include "report/words/words.h"
#include "hop.h"
#include "viewer/capture/capture.h"
#include "trace/record.h"
#include "store/history/history.h"

/* ---- which lives -------------------------------------------------------------------------------
 */

static bool is_before(const struct hak_event *e, uint64_t ns, uint64_t id) {
    return (ns != 0 && e->ns < ns) || (id != 0 && e->id < id);
}

static bool is_after(const struct hak_event *e, uint64_t ns, uint64_t id) {
    return (ns != 0 && e->ns > ns) || (id != 0 && e->id > id);
}

/* Whether a life was going on at any moment between --since and --until. */
static bool is_chosen(const struct block *block, const struct hak_life_row *row) {
    if (row->end.id != 0 && is_before(&row->end, block->since_ns, block->since_id))
        return false;
    const struct hak_event *first = row->life.birth.id != 0 ? &row->life.birth : &row->end;
    return first->id == 0 || !is_after(first, block->position.until_ns, block->position.until_id);
}

/* True when this life is among those that --first or --last choose. */
static bool is_told(const struct block *block) {
    if (block->first != UINT64_MAX)
        return block->chosen <= block->first;
    return block->chosen > block->skip;
}

static int stop(const struct block *block) {
    (void)block;
    return ferror(stdout) ? 1 : 0;
}

/* Adds a chosen life to the totals, and prints it if it is to be told. */
static int each_life(void *context, const struct hak_life_row *row) {
    struct block *block = context;
    if (!is_chosen(block, row))
        return 0;
    block->chosen++;
    block_totals_add(&block->totals, row);
    if (!is_told(block))
        return 0;
    if (block->view->json)
        block_write_json_life(block, row);
    else if (!view_given(block->view, "moves"))
        block_write_life(block, row);
    block->told++;
    return stop(block);
}

/* Counts the chosen lives. */
static int count_life(void *context, const struct hak_life_row *row) {
    struct block *block = context;
    block->chosen += is_chosen(block, row);
    return 0;
}

/* Takes an event of the block: keeps a fault, and with --moves prints it as a row if it is in the
 * time asked for and of a life that is told. */
static int each_event(void *context, const struct hak_event *e, enum hak_life_step step,
                      uint64_t number) {
    struct block *block = context;
    if (is_before(e, block->since_ns, block->since_id) ||
        is_after(e, block->position.until_ns, block->position.until_id))
        return 0;
    if (e->kind == HAK_FAULT)
        block->fault = *e;
    if (!view_given(block->view, "moves"))
        return 0;
    if (number < block->skip + 1 || (block->first != UINT64_MAX && number > block->first))
        return 0;
    if (block->view->json)
        block_write_json_event(block, e);
    else
        block_write_event(block, e, step, number);
    return stop(block);
}

/* ---- what is known before the lives are read
 * ----------------------------------------------------- */

/* From the newest event back: finds the block's state, user pointer and size. 1 ends the search. */
static int newest_call(void *context, const struct hak_event *e) {
    struct block *block = context;
    struct view_position *position = &block->position;
    if (!hak_lineage_has(&block->position.lineage, e) || e->flags & HAK_RECORD_ILLEGAL)
        return 0;
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    if (is_end && position->state)
        return 1; /* its birth lies before the capture */
    if (!position->state)
        position->state = is_end ? "freed" : "live";
    position->user = e->address;
    position->asked_bytes = e->size;
    return !is_end;
}

/* Finds the block's newest life, which gives the words of the head: read from the end, so it is
 * quick. */
static int find_newest(struct block *block) {
    struct hak_filter filter = {.class_index = -1,
                                .base = block->position.block.base,
                                .id_to = block->position.until_id,
                                .ns_to = block->position.until_ns,
                                .kind_mask_low = 1ull << HAK_MALLOC | 1ull << HAK_FREE |
                                                 1ull << HAK_REALLOC | 1ull << HAK_REALLOC_FROM};
    int result = hak_store_scan(block->view->reader, &filter, true, newest_call, block);
    return result < 0 ? result : 0;
}

/* Notes the time of the block's oldest event. 1 ends the search. */
static int note_oldest(void *context, const struct hak_event *e) {
    struct block *block = context;
    if (!hak_lineage_has(&block->position.lineage, e))
        return 0;
    block->first_ns = e->ns;
    return 1;
}

/* Counts, in a capture with losses, the events lost and the stops from the block's first event to
 * its last. 0, or an error of the store. */
static int find_losses(struct block *block) {
    struct hak_store_reader *reader = block->view->reader;
    struct hak_filter filter = {.class_index = -1, .base = block->position.block.base};
    struct hak_event last = {.ns = block->view->summary.last_ns};
    if (block->view->summary.losses + block->view->summary.stops == 0)
        return 0;
    int result = hak_store_scan(reader, &filter, false, note_oldest, block);
    if (result >= 0)
        result = hak_store_event(reader, block->position.block.last_event, &last);
    if (result >= 0)
        result = hak_lineage_lost(reader, &block->position.lineage, block->first_ns, last.ns,
                                  &block->position.lost_events, &block->position.stops);
    return result < 0 ? result : 0;
}

/* Lists blocks with another base that held the address in the same process. 0, or an error of the
 * store. */
static int find_others(struct block *block) {
    struct hak_block_key keys[VIEW_BLOCKS_MAX];
    int count = hak_store_blocks_at(block->view->reader, block->position.address,
                                    block->position.block.process, keys, VIEW_BLOCKS_MAX);
    for (int i = 0; i < count; i++)
        if (keys[i].base != block->position.block.base)
            block->other[block->others++] = keys[i];
    return count < 0 ? count : 0;
}

/* ---- the command
 * --------------------------------------------------------------------------------- */

/* Reads --first, --last, --since and --until. False, and said. */
static bool read_options(struct block *block) {
    struct view *view = block->view;
    const char *value;
    block->first = block->last = UINT64_MAX;
    if (!view_read_number(view, "first", &block->first) ||
        !view_read_number(view, "last", &block->last))
        return false;
    if (view_given(view, "first") && view_given(view, "last")) {
        view_error("block: --first and --last exclude each other; --since and --until choose a "
                   "time in between");
        return false;
    }
    return (!(value = view_value(view, "since")) ||
            view_read_when(view, "since", value, &block->since_ns, &block->since_id)) &&
           (!(value = view_value(view, "until")) ||
            view_read_when(view, "until", value, &block->position.until_ns,
                           &block->position.until_id));
}

/* Ends the answer at the last event of when the capture was opened: the lives are read several
 * times, and a store that is being written grows in between. */
static void end_where_it_was_opened(struct block *block) {
    const struct hak_store_summary *summary = &block->view->summary;
    uint64_t last = summary->trimmed_events + summary->events;
    if (summary->being_written &&
        (block->position.until_id == 0 || block->position.until_id > last))
        block->position.until_id = last;
}

/* Finds, for --last, how many lives are passed over, which takes a walk of its own. */
static int find_skip(struct block *block) {
    struct hak_lives_visitor visitor = {.life = count_life, .context = block};
    if (block->last == UINT64_MAX)
        return 0;
    int result = hak_lives_each(block->view->reader, &block->position.block,
                                &block->position.lineage, 0, &visitor);
    block->skip = block->chosen > block->last ? block->chosen - block->last : 0;
    block->chosen = 0;
    return result;
}

/* Goes through the block's lives and prints those chosen. */
static int tell_lives(struct block *block) {
    struct hak_lives_visitor visitor = {.life = each_life, .event = each_event, .context = block};
    int result = hak_lives_each(block->view->reader, &block->position.block,
                                &block->position.lineage, 0, &visitor);
    return result < 0 ? result : 0;
}

/* The exit status: a fault, or whether something was lost. */
static int status_of_block(const struct block *block) {
    if (block->totals.ended_again > 0 || block->fault_row.id != 0)
        return VIEW_FAULT;
    return view_block_completeness(block->view, &block->position);
}

/* Finds the row of the newest fault; its own record where it names no event. */
static void find_fault(struct block *block) {
    uint32_t row = 0;
    (void)hak_story_fault_row(block->view->reader, &block->fault, &row);
    if (row == 0)
        row = view_fault_beside(block->view, &block->position);
    hak_lookup_fault(block->view->reader, row, &block->fault_row);
    if (block->fault_row.event == 0)
        block->fault_row.event = block->fault.id;
}

/* Prints the whole answer. Returns the exit status. */
static int show(struct block *block) {
    struct view *view = block->view;
    int error = find_newest(block);
    if (error == 0)
        error = find_losses(block);
    if (error == 0)
        error = find_others(block);
    if (error == 0)
        error = find_skip(block);
    if (error < 0)
        return view_store_error(view, error);
    view_start_pager(view);
    if (view->json)
        block_write_json_head(block);
    else
        block_write_head(block);
    error = tell_lives(block);
    int status = error < 0 ? view_store_error(view, error) : VIEW_OK; /* before the JSON says so */
    find_fault(block);
    if (view->json)
        block_write_json_end(block);
    else if (error == 0)
        block_write_end(block);
    return error < 0 ? status : status_of_block(block);
}

int command_block(struct view *view) {
    static struct block block;
    int status = view_open(view);
    block.view = view;
    if (status != 0)
        return status;
    if (!read_options(&block))
        return view_question_status();
    end_where_it_was_opened(&block);
    if (!view_find_position(view, &block.position, NULL, &status))
        return status;
    if (!block_totals_init(&block.totals)) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    status = show(&block);
    json_decref(block.moves);
    block_totals_free(&block.totals);
    return status;
}

/* `block ADDR`: every life of the block that holds ADDR, told as it is read. */
#include "viewer/block/block.h"
#include "viewer/block/lives.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "hop.h"
#include "viewer/capture/capture.h"
#include "viewer/block/beside.h"
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

/* A life is chosen when it was going on at any moment between --since and --until. */
static bool is_chosen(const struct block *block, const struct hak_life_row *row) {
    if (row->end.id != 0 && is_before(&row->end, block->since_ns, block->since_id))
        return false;
    const struct hak_event *first = row->life.birth.id != 0 ? &row->life.birth : &row->end;
    return first->id == 0 || !is_after(first, block->until_ns, block->until_id);
}

static bool is_told(const struct block *block) {
    if (block->first != UINT64_MAX)
        return block->chosen <= block->first;
    return block->chosen > block->skip;
}

static int stop(const struct block *block) {
    (void)block;
    return ferror(stdout) ? 1 : 0;
}

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

static int count_life(void *context, const struct hak_life_row *row) {
    struct block *block = context;
    block->chosen += is_chosen(block, row);
    return 0;
}

/* With --moves rows are events: those in the time asked for, of the lives that are told. */
static int each_event(void *context, const struct hak_event *e, enum hak_life_step step,
                      uint64_t number) {
    struct block *block = context;
    if (is_before(e, block->since_ns, block->since_id) ||
        is_after(e, block->until_ns, block->until_id))
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

static int newest_call(void *context, const struct hak_event *e) {
    struct block *block = context;
    struct view_position *position = &block->position;
    if (!hak_lineage_has(&block->lineage, e) || e->flags & HAK_RECORD_ILLEGAL)
        return 0;
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    if (is_end && position->was_handed_out)
        return 1; /* its birth lies before the capture */
    if (!is_end && !position->was_handed_out)
        block->is_live = true;
    if (!is_end || !position->was_handed_out) {
        position->user = e->address;
        position->asked_bytes = e->size;
    }
    position->was_handed_out = true;
    return !is_end;
}

/* The newest life gives the words of the head: read from the end, so it is quick. */
static int find_newest(struct block *block) {
    struct hak_filter filter = {.class_index = -1,
                                .base = block->key.base,
                                .id_to = block->until_id,
                                .ns_to = block->until_ns,
                                .kind_mask_low = 1ull << HAK_MALLOC | 1ull << HAK_FREE |
                                                 1ull << HAK_REALLOC | 1ull << HAK_REALLOC_FROM};
    block->position.block = &block->key;
    int result = hak_store_scan(block->view->reader, &filter, true, newest_call, block);
    return result < 0 ? result : 0;
}

static int note_oldest(void *context, const struct hak_event *e) {
    struct block *block = context;
    if (!hak_lineage_has(&block->lineage, e))
        return 0;
    block->first_ns = e->ns;
    return 1;
}

/* Losses count from the block's first event to its last. */
static int find_losses(struct block *block) {
    struct hak_store_reader *reader = block->view->reader;
    struct hak_filter filter = {.class_index = -1, .base = block->key.base};
    struct hak_event last = {.ns = block->view->summary.last_ns};
    if (block->view->summary.losses + block->view->summary.stops == 0)
        return 0;
    int result = hak_store_scan(reader, &filter, false, note_oldest, block);
    if (result >= 0)
        result = hak_store_event(reader, block->key.last_event, &last);
    if (result >= 0)
        result = hak_lineage_lost(reader, &block->lineage, block->first_ns, last.ns,
                                  &block->lost_events, &block->stops);
    return result < 0 ? result : 0;
}

/* Blocks with another base that held the address in the same process. */
static int find_others(struct block *block) {
    struct hak_block_key keys[VIEW_BLOCKS_MAX];
    int count = hak_store_blocks_at(block->view->reader, block->position.address,
                                    block->key.process, keys, VIEW_BLOCKS_MAX);
    for (int i = 0; i < count; i++)
        if (keys[i].base != block->key.base)
            block->other[block->others++] = keys[i];
    return count < 0 ? count : 0;
}

/* ---- the command
 * --------------------------------------------------------------------------------- */

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
            view_read_when(view, "until", value, &block->until_ns, &block->until_id));
}

/* The lives are read several times, and a store that is being written grows in between. */
static void end_where_it_was_opened(struct block *block) {
    const struct hak_store_summary *summary = &block->view->summary;
    uint64_t last = summary->trimmed_events + summary->events;
    if (summary->being_written && (block->until_id == 0 || block->until_id > last))
        block->until_id = last;
}

/* 1 found, 0 none, or an error. Says which process was taken. */
static int find_block(struct block *block, const struct view_processes *all, uint32_t process) {
    struct view *view = block->view;
    uint64_t address = block->position.address;
    uint32_t one[1] = {process};
    const uint32_t *row = all->count > 0 ? all->row : one;
    int count = all->count > 0 ? all->count : 1;
    for (int i = 0; i < count; i++) {
        int found = hak_lives_find(view->reader, address, row[i], block->until_id, block->until_ns,
                                   &block->key, &block->lineage);
        if (found == 0)
            continue;
        if (found > 0 && all->count > 0)
            view_say_which_process(view, all, row[i]);
        else if (found > 0 && process == 0)
            view_say_which_process_at(view, address, block->key.process);
        return found;
    }
    return 0;
}

/* --last: how many lives are passed over takes a walk of its own. */
static int find_skip(struct block *block) {
    struct hak_lives_visitor visitor = {.life = count_life, .context = block};
    if (block->last == UINT64_MAX)
        return 0;
    int result = hak_lives_each(block->view->reader, &block->key, &block->lineage, 0, &visitor);
    block->skip = block->chosen > block->last ? block->chosen - block->last : 0;
    block->chosen = 0;
    return result;
}

static int tell_lives(struct block *block) {
    struct hak_lives_visitor visitor = {.life = each_life, .event = each_event, .context = block};
    int result = hak_lives_each(block->view->reader, &block->key, &block->lineage, 0, &visitor);
    return result < 0 ? result : 0;
}

static int status_of_block(const struct block *block) {
    const struct hak_store_summary *summary = &block->view->summary;
    if (block->totals.ended_again > 0 || block->fault_row != 0)
        return VIEW_FAULT;
    return block->lost_events + block->stops > 0 || summary->trimmed_events > 0 ||
                   summary->ended_early
               ? VIEW_INCOMPLETE
               : VIEW_OK;
}

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
    (void)hak_story_fault_row(view->reader, &block->fault, &block->fault_row);
    if (view->json)
        block_write_json_end(block);
    else if (error == 0)
        block_write_end(block);
    return error < 0 ? status : status_of_block(block);
}

int command_block(struct view *view) {
    static struct block block;
    struct view_processes all;
    struct view_place place;
    int status = view_open(view);
    block.view = view;
    if (status != 0)
        return status;
    if (!read_options(&block) || !view_read_process(view, &all))
        return VIEW_USAGE;
    end_where_it_was_opened(&block);
    if (!view_read_address(view, view->argument[0], all.count > 0 ? all.row[0] : 0, &place))
        return view_question_status();
    block.position.address = place.address;
    int found = find_block(&block, &all, place.process);
    if (found < 0)
        return view_store_error(view, found);
    if (found == 0) {
        view_start_pager(view);
        return view_answer_nothing_known(view, place.address, block.until_id);
    }
    if (!block_totals_init(&block.totals)) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    status = show(&block);
    json_decref(block.moves);
    block_totals_free(&block.totals);
    return status;
}

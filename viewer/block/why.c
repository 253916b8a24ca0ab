/* `why ADDR`: who owned it, in what state it was, the first wrong step. */
#include "viewer/block/block.h"
#include "viewer/block/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/block/position.h"

/* The exit status: a fault, or whether something was lost. */
static int status_of_why(const struct why *why) {
    if (why->stale || why->fault.id != 0 || why->story->first_wrong.id != 0 ||
        (why->last && why->last->end_count > 1))
        return VIEW_FAULT;
    return view_block_completeness(why->view, &why->position);
}

/* The call that says most of where the life's block lies; NULL: none is in the capture. */
static const struct hak_event *known_call_of(const struct hak_life *life) {
    if (life->birth.id != 0)
        return &life->birth;
    if (life->end_count > 0)
        return &life->ends[0];
    return life->resize_count > 0 ? &life->resizes[0] : NULL;
}

/* Finds the last life, the block's state, the stale life, and the fault's row. */
static void find_main_lives(struct why *why) {
    struct hak_story *story = why->story;
    struct view_position *position = &why->position;
    if (story->life_count > 0)
        why->last = &story->lives[story->life_count - 1];
    const struct hak_event *call = why->last ? known_call_of(why->last) : NULL;
    position->block = story->block;
    position->lost_events = story->lost_events;
    position->stops = story->stops;
    if (call) {
        position->state = why->last->end_count == 0   ? "live"
                          : why->last->end_count == 1 ? "freed"
                                                      : "freed twice";
        position->user = call->address;
        position->asked_bytes = call == why->last->ends ? call->size : hak_life_bytes(why->last);
    }
    why->stale = hak_story_stale(story);
    uint32_t row = story->fault_row ? story->fault_row : view_fault_beside(why->view, position);
    if (hak_lookup_fault(why->view->reader, row, &why->fault) && row != story->fault_row)
        (void)hak_store_event(why->view->reader, why->fault.event, &story->fault);
}

/* Answers with the story that was loaded, and frees it: in `text` or, where that is NULL, on
 * stdout. Returns the exit status. */
static int answer(struct why *why, struct hak_text *text) {
    find_main_lives(why);
    struct hak_text page = {0};
    bool is_made = why_make_rows(why);
    if (is_made && !text && why->view->json) {
        is_made = view_print_json(why_json(why));
    } else if (is_made) {
        why_add_page(text ? text : &page, why);
        is_made = text || view_print(&page);
    }
    int status = is_made ? status_of_why(why) : VIEW_UNREADABLE;
    hak_story_free(why->story);
    free(why->row);
    return status;
}

int block_add_why(struct hak_text *text, struct view *view, uint64_t address, uint32_t process,
                  uint64_t birth, bool has_stacks) {
    static char chosen[] = "selected";
    char *argument[] = {chosen};
    struct view as_why = *view; /* with the options of `why` */
    as_why.argument = argument;
    as_why.argument_count = 1;
    if (has_stacks) {
        as_why.option[as_why.option_count] = (struct view_option){.name = "stacks"};
        as_why.value[as_why.option_count++] = "";
    }
    struct why why = {.view = &as_why, .position.address = address, .asked_event = birth};
    int told = hak_story_load(view->reader, address, process, 0, &why.story);
    if (told == 0)
        view_error("nothing is known of 0x%" PRIx64, address);
    if (told <= 0)
        return told ? view_store_error(view, told) : VIEW_UNREADABLE;
    return answer(&why, text) == VIEW_UNREADABLE ? VIEW_UNREADABLE : 0;
}

int command_why(struct view *view) {
    struct why why = {.view = view};
    struct view_position *position = &why.position;
    int status = view_open(view);
    if (status != 0 || !view_find_position(view, position, &why.asked_event, &status))
        return status;
    int told = hak_story_of(view->reader, position->address, &position->block, &position->lineage,
                            position->until_id, &why.story);
    if (told <= 0)
        return view_store_error(view, told);
    view_start_pager(view);
    return answer(&why, NULL);
}

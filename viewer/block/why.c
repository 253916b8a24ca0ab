/* `why ADDR`: who owned it, in what state it was, the first wrong step. */
#include "viewer/block/block.h"
#include "viewer/block/why.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/block/position.h"
#include "viewer/block/beside.h"

static int verdict(const struct why *why) {
    if (why->stale || why->fault.id != 0 || why->story->first_wrong.id != 0 ||
        (why->last && why->last->end_count > 1))
        return VIEW_FAULT;
    return why->whole ? VIEW_OK : VIEW_INCOMPLETE;
}

static void find_main_lives(struct why *why) {
    const struct hak_story *story = why->story;
    if (story->life_count > 0)
        why->last = &story->lives[story->life_count - 1];
    why->position.block = &story->block;
    why->position.was_handed_out = why->last != NULL;
    why->stale = hak_story_stale(story);
    if (why->last && why->last->birth.id != 0) {
        why->position.user = why->last->birth.address;
        why->position.asked_bytes = hak_life_bytes(why->last);
    } else if (why->last && why->last->end_count > 0) {
        why->position.user = why->last->ends[0].address;
        why->position.asked_bytes = why->last->ends[0].size;
    }
    hak_lookup_fault(why->view->reader, story->fault_row, &why->fault);
    why->whole = story->lost_events == 0 && why->view->summary.trimmed_events == 0 &&
                 !why->view->summary.ended_early;
}

/* Tells the story in the first of the processes that --process may mean which knows the address:
 * those are sorted by their newest row first. 1, 0 when none knows it, or an error. */
static int tell_in(struct why *why, const struct view_processes *all, uint32_t *process) {
    struct hak_store_reader *reader = why->view->reader;
    for (int i = 0; i < all->count; i++) {
        int told = hak_story_load(reader, why->position.address, all->row[i], 0, &why->story);
        if (told == 0)
            continue;
        *process = all->row[i];
        return told;
    }
    return 0;
}

int command_why(struct view *view) {
    struct why why = {.view = view};
    struct view_processes all;
    struct view_place place;
    int status = view_open(view);
    if (status != 0)
        return status;
    bool counts = strncmp(view->argument[0], "p:", 2) == 0;
    if (!view_read_process(view, &all))
        return VIEW_USAGE;
    if (!view_address(view, view->argument[0], counts && all.count > 0 ? all.row[0] : 0, &place))
        return view_question_status();
    why.position.address = place.address;
    why.asked_event = counts ? place.event : 0;
    uint32_t process = place.process;
    if (counts && all.count > 0)
        all.count = 1; /* the one in which was counted */
    int told = all.count > 0
                   ? tell_in(&why, &all, &process)
                   : hak_story_load(view->reader, why.position.address, process, 0, &why.story);
    if (told < 0)
        return view_store_error(view, told);
    if (told > 0 && all.count > 0)
        view_say_which_process(view, &all, process);
    else if (told > 0 && process == 0)
        view_say_which_process_at(view, why.position.address, why.story->block.process);
    view_start_pager(view);
    if (told == 0)
        return view_answer_nothing_known(view, why.position.address);
    find_main_lives(&why);
    struct hak_text text = {0};
    bool printed = why_make_rows(&why);
    if (printed && view->json) {
        printed = view_print_json(why_json(&why));
    } else if (printed) {
        why_write(&text, &why);
        printed = view_print(&text);
    }
    status = printed ? verdict(&why) : VIEW_UNREADABLE;
    hak_story_free(why.story);
    free(why.row);
    return status;
}

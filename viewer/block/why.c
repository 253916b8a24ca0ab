/* `why ADDR`: who owned it, in what state it was, the first wrong step. */
#include "viewer/block/block.h"
#include "viewer/block/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/block/position.h"
#include "viewer/block/beside.h"

static int status_of_why(const struct why *why) {
    if (why->stale || why->fault.id != 0 || why->story->first_wrong.id != 0 ||
        (why->last && why->last->end_count > 1))
        return VIEW_FAULT;
    return why->whole ? VIEW_OK : VIEW_INCOMPLETE;
}

/* The call that says most of where the life's block lies; NULL: none is in the capture. */
static const struct hak_event *known_call_of(const struct hak_life *life) {
    if (life->birth.id != 0)
        return &life->birth;
    if (life->end_count > 0)
        return &life->ends[0];
    return life->resize_count > 0 ? &life->resizes[0] : NULL;
}

static void find_main_lives(struct why *why) {
    const struct hak_story *story = why->story;
    struct view_position *position = &why->position;
    if (story->life_count > 0)
        why->last = &story->lives[story->life_count - 1];
    const struct hak_event *call = why->last ? known_call_of(why->last) : NULL;
    position->block = &story->block;
    position->was_handed_out = call != NULL;
    if (call) {
        position->user = call->address;
        position->asked_bytes = call == why->last->ends ? call->size : hak_life_bytes(why->last);
    }
    why->stale = hak_story_stale(story);
    hak_lookup_fault(why->view->reader, story->fault_row, &why->fault);
    why->whole = story->lost_events + story->stops == 0 && why->view->summary.trimmed_events == 0 &&
                 !why->view->summary.ended_early;
}

/* Tells the story in the first of the processes that --process may mean which knows the address:
 * those are sorted by their newest row first. 1, 0 when none knows it, or an error. */
static int tell_in(struct why *why, const struct view_processes *all, uint32_t *process) {
    struct hak_store_reader *reader = why->view->reader;
    for (int i = 0; i < all->count; i++) {
        int told =
            hak_story_load(reader, why->position.address, all->row[i], why->until, &why->story);
        if (told == 0)
            continue;
        *process = all->row[i];
        return told;
    }
    return 0;
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
    if (told <= 0) {
        if (told == 0)
            view_error("nothing is known of 0x%" PRIx64, address);
        return told ? view_store_error(view, told) : VIEW_UNREADABLE;
    }
    find_main_lives(&why);
    bool is_made = why_make_rows(&why);
    if (is_made)
        why_add_page(text, &why);
    hak_story_free(why.story);
    free(why.row);
    return is_made ? 0 : VIEW_UNREADABLE;
}

/* --at: the event. 0, or an exit status. */
static int read_moment(struct view *view, uint64_t *until) {
    struct view_moment at;
    const char *text = view_value(view, "at");
    if (!text)
        return 0;
    if (!view_read_moment(view, "at", text, &at))
        return view_question_status();
    int status = at.kind == VIEW_AT_PEAK ? view_find_peak(view, 0, &at) : 0;
    if (!status && at.kind == VIEW_AT_START) {
        view_error("--at %s: nothing has happened then", text);
        status = VIEW_USAGE;
    }
    *until = at.event;
    return status;
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
    if (!view_read_address(view, view->argument[0], counts && all.count > 0 ? all.row[0] : 0,
                           &place))
        return view_question_status();
    if ((status = read_moment(view, &why.until)) != 0)
        return status;
    why.position.address = place.address;
    why.asked_event = counts ? place.event : 0;
    uint32_t process = place.process;
    if (counts && all.count > 0)
        all.count = 1; /* the one in which was counted */
    int told = all.count > 0 ? tell_in(&why, &all, &process)
                             : hak_story_load(view->reader, why.position.address, process,
                                              why.until, &why.story);
    if (told < 0)
        return view_store_error(view, told);
    if (told > 0 && all.count > 0)
        view_say_which_process(view, &all, process);
    else if (told > 0 && process == 0)
        view_say_which_process_at(view, why.position.address, why.story->block.process);
    view_start_pager(view);
    if (told == 0)
        return view_answer_nothing_known(view, why.position.address, why.until);
    find_main_lives(&why);
    struct hak_text text = {0};
    bool printed = why_make_rows(&why);
    if (printed && view->json) {
        printed = view_print_json(why_json(&why));
    } else if (printed) {
        why_add_page(&text, &why);
        printed = view_print(&text);
    }
    status = printed ? status_of_why(&why) : VIEW_UNREADABLE;
    hak_story_free(why.story);
    free(why.row);
    return status;
}

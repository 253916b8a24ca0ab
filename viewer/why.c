/* `why ADDR`: who owned it, in what state it was, the first wrong step. */
#include "why.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include "collector/facts_json.h"
#include "collector/story_words.h"
#include "collector/words.h"
#include "json.h"

void why_add_module(struct hak_text *text, struct view *view, uint64_t address) {
    sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v2(hak_store_database(view->reader),
                           "SELECT path, load_bias FROM module WHERE start <= ?1 AND ?1 < \"end\" "
                           "LIMIT 1",
                           -1, &query, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(query, 1, (sqlite3_int64)address);
        if (sqlite3_step(query) == SQLITE_ROW) {
            const unsigned char *path = sqlite3_column_text(query, 0);
            hak_text_add(text, "It lies in ");
            hak_text_add_name(text, path ? (const char *)path : "?");
            hak_text_add(text, "+0x%" PRIx64 ": static data or code, no heap.\n",
                         address - (uint64_t)sqlite3_column_int64(query, 1));
        }
    }
    sqlite3_finalize(query);
}

static int nothing_known(struct view *view, uint64_t address) {
    struct hak_text text = {0};
    if (view->json) {
        json_t *document = view_json_document(view, "why");
        json_object_set_new(document, "address", hak_json_address(address));
        json_object_set_new(document, "block", json_null());
        json_object_set_new(document, "lives", json_array());
        json_object_set_new(document, "completeness", view_completeness_json(view));
        view_print_json(hak_json_print(document));
        return view_completeness(view);
    }
    hak_text_add(&text, "0x%" PRIx64 " was in no block of this capture.\n", address);
    why_add_module(&text, view, address);
    hak_text_add(&text, "Looked in ");
    view_add_extent(&text, view);
    hak_text_add(&text, " for blocks that covered it at any time. ");
    view_add_completeness(&text, view);
    hak_text_add(&text, "\n");
    view_print(&text);
    return view_completeness(view);
}

static int verdict(const struct why *why) {
    if (why->stale || why->fault.id != 0 || why->story->first_wrong.id != 0 ||
        (why->last && why->last->end_count > 1))
        return VIEW_FAULT;
    return why->whole ? VIEW_OK : VIEW_INCOMPLETE;
}

static void settle(struct why *why) {
    const struct hak_story *story = why->story;
    if (story->life_count > 0)
        why->last = &story->lives[story->life_count - 1];
    why->stale = hak_story_stale(story);
    if (why->last && why->last->birth.id != 0) {
        why->user = why->last->birth.address;
        why->asked_bytes = hak_life_bytes(why->last);
    } else if (why->last && why->last->end_count > 0) {
        why->user = why->last->ends[0].address;
        why->asked_bytes = why->last->ends[0].size;
    }
    hak_lookup_fault(why->view->reader, story->fault_row, &why->fault);
    why->whole = story->lost_events == 0 && why->view->summary.trimmed_events == 0 &&
                 !why->view->summary.ended_early;
}

int command_why(struct view *view) {
    struct why why = {.view = view};
    uint32_t chosen = 0, process = 0;
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_process(view, &chosen) ||
        !view_address(view, view->argument[0], &why.address, &process))
        return VIEW_USAGE;
    if (chosen != 0)
        process = chosen;
    int told = hak_story_tell(view->reader, why.address, process, 0, &why.story);
    if (told < 0)
        return view_store_error(view, told);
    view_start_pager(view);
    if (told == 0)
        return nothing_known(view, why.address);
    settle(&why);
    if (process == 0)
        view_note_process(view, why.address, why.story->block.process);
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

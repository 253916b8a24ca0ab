/* ALLOCATED and FREED: the calls that allocated and freed the block of the fault, with their
 * stacks: by the record, else as far as the program itself kept them. */
#include "report/page/parts.h"

#include "hop.h"
#include "store/calls.h"

#define LIFE_FRAMES_SHOWN 4
#define LIFE_FRAMES_TIGHT 2

/* Faults that are about one block of the program's. */
static bool is_about_a_block(const struct report_page *page) {
    unsigned code = page->facts->fault;
    return report_is_of_pool(page) ||
           (page->base != 0 && ((code >= 201 && code < 400) || code == 105));
}

/* An event's line, stack and source. */
static void add_event(struct hak_text *text, const struct report_page *page,
                      const struct hak_event *event, const struct hak_frames *frames) {
    struct hak_thread_words thread;
    report_look_up_thread(page, event->thread, &thread);
    report_when(text, event->id, event->ns, thread.number, thread.name);
    report_add_part(text, frames, page->cut >= CUT_STACKS ? LIFE_FRAMES_TIGHT : LIFE_FRAMES_SHOWN,
                    "none was kept with this event");
    report_add_source(text, page, frames, CUT_LIFE_SOURCE);
}

/* A stack that the block's slot kept, without its event. */
static void add_kept_stack(struct hak_text *text, const struct report_page *page, const char *call,
                           const struct hak_frames *frames) {
    hak_text_add(text, "by %s\n", call);
    report_add_part(text, frames, page->cut >= CUT_STACKS ? LIFE_FRAMES_TIGHT : LIFE_FRAMES_SHOWN,
                    "none was kept");
    report_add_source(text, page, frames, CUT_LIFE_SOURCE);
}

/* Adds where the block was allocated: by the store's event, else by the stack that the heap kept;
 * nothing without either. */
static void add_allocated(struct hak_text *text, const struct report_page *page) {
    const struct hak_life *life = page->life;
    if (report_is_of_pool(page)) {
        if (page->alloc_frames.count == 0)
            return;
        hak_text_add(text, "%s", report_pool_birth(page));
        add_kept_stack(text, page, report_pool_birth_call(page), &page->alloc_frames);
    } else if (life && life->birth.id != 0) {
        hak_text_add(text, "  ALLOCATED         ");
        add_event(text, page, &life->birth, &page->alloc_frames);
    } else if (page->alloc_frames.count > 0) {
        hak_text_add(text, "  ALLOCATED         ");
        add_kept_stack(text, page, hak_call_taken(page->facts->subkind & 0xff),
                       &page->alloc_frames);
    }
}

/* Adds where the block was freed, by the store's event or the kept stack; a stale free is shown as
 * the first wrong step instead. */
static void add_freed(struct hak_text *text, const struct report_page *page) {
    const struct hak_life *life = page->life;
    if (!page->is_freed || page->wrong_step == WRONG_EARLIER)
        return; /* a stale free is shown as the first wrong step */
    const char *heading =
        page->facts->fault == 202 ? "  FREED BEFORE      " : "  FREED             ";
    if (report_is_of_pool(page)) {
        if (page->free_frames.count == 0)
            return;
        hak_text_add(text, "%s", report_pool_death(page));
        add_kept_stack(text, page, report_pool_death_call(page), &page->free_frames);
    } else if (life && life->end_count > 0) {
        hak_text_add(text, "%s", heading);
        add_event(text, page, &life->ends[0], &page->free_frames);
    } else if (page->free_frames.count > 0) {
        hak_text_add(text, "%s", heading);
        add_kept_stack(text, page, "the program", &page->free_frames);
    }
}

void report_life(struct hak_text *text, const struct report_page *page) {
    if (!is_about_a_block(page))
        return;
    add_allocated(text, page);
    add_freed(text, page);
}

void report_life_backwards(struct hak_text *text, const struct report_page *page) {
    if (!is_about_a_block(page))
        return;
    add_freed(text, page);
    add_allocated(text, page);
}

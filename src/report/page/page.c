/* Makes a report: gathers the facts of request, context and store, then has the page written. */
#include "report/page/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/page/parts.h"
#include "hop.h"
#include "superslab.h"

/* Fault codes that need words of their own; the numbers are those of faults.def. */
static bool is_layer_move(unsigned code) {
    return code >= 101 && code <= 199;
}

/* True when the event is the one in which the fault was found. */
static bool is_same_step(const struct report_page *page, const struct hak_event *event) {
    return event->kind == page->facts->kind && event->thread == page->context.thread &&
           event->address == page->facts->found_address &&
           (uint32_t)(event->generation >> 32) == page->facts->epoch &&
           (uint32_t)event->generation == page->facts->record_count;
}

/* The call that the fault stopped, where it was recorded: the newest event of the block of that
 * kind in the fault's thread. A call is recorded before a fault of its pointer only, as illegal;
 * before others the newest one of its kind may be the block's last resize. */
static struct hak_event own_event(const struct report_page *page) {
    const struct hak_story *story = page->story;
    for (int i = story ? story->move_count - 1 : -1; i >= 0; i--)
        if (is_same_step(page, &story->moves[i]) &&
            (page->layer_move || (story->moves[i].flags & HAK_RECORD_ILLEGAL)))
            return story->moves[i];
    return (struct hak_event){0};
}

/* Finds the event at which the fault was done: a stale free, an earlier illegal move, or the one
 * that found it. */
static void find_wrong_step(struct report_page *page) {
    unsigned code = page->facts->fault;
    const struct hak_story *story = page->story;
    if (page->stale) {
        page->wrong = page->stale->ends[0];
        page->wrong_step = WRONG_EARLIER;
    } else if (is_layer_move(code) && story && story->first_wrong.id != 0) {
        page->wrong = story->first_wrong;
        page->wrong_step = is_same_step(page, &page->wrong) ? WRONG_IS_FOUND : WRONG_EARLIER;
    } else if (code == 201 || code == 103 ||
               (is_layer_move(code) && page->facts->kind == HAK_SLL_PUSH)) {
        page->wrong = own_event(page);
        page->wrong_step = WRONG_IS_FOUND;
    }
}

/* Whether the life is another block's: that of the fault is gone, and another one lies at its
 * address, or grew over it. */
static bool is_of_another_block(const struct report_page *page, const struct hak_life *life) {
    const struct hak_fault_facts *facts = page->facts;
    return facts->fault > 200 && facts->base != 0 && life->birth.id != 0 &&
           life->birth.base != facts->base;
}

/* Loads the block's story; without one, or of another block, the page goes without. An error of the
 * store is noted. */
static void ask_store(struct report_page *page) {
    uint64_t address = page->facts->base ? page->facts->base : page->facts->found_address;
    if (!page->r || address == 0 || page->words == NULL || report_is_of_pool(page))
        return;
    int told = hak_story_load(page->r, address, page->context.process, page->context.fault_event,
                              &page->story);
    if (told < 0)
        snprintf(page->trouble, sizeof page->trouble, "%s", hak_store_message());
    if (told <= 0 || !page->story) {
        page->story = NULL;
        return;
    }
    if (page->story->life_count > 0)
        page->life = &page->story->lives[page->story->life_count - 1];
    if (page->life && is_of_another_block(page, page->life)) {
        hak_story_free(page->story);
        page->story = NULL;
        page->life = NULL;
        return;
    }
    if (page->facts->fault == 202)
        page->stale = hak_story_stale(page->story);
}

/* Settles the block's bounds from the facts, else from its life; sizes that do not fit are
 * unknown. */
static void settle_block(struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const struct hak_life *life = page->life;
    bool born = life && life->birth.id != 0;
    page->base = facts->base;
    page->user = facts->user;
    page->slot_bytes = facts->slot_bytes;
    if (page->base && !page->user && born && life->birth.base == page->base)
        page->user = life->birth.address;
    page->asked_known = facts->asked_bytes != 0;
    page->asked_bytes = facts->asked_bytes;
    if (!page->asked_known && born && life->birth.base == page->base) {
        page->asked_bytes = hak_life_bytes(life);
        page->asked_known = true;
    }
    page->has_header = page->base && page->user >= page->base + 16;
    if (page->asked_known && page->user + page->asked_bytes > page->base + page->slot_bytes)
        page->asked_known = false; /* numbers of a dying program: do not draw nonsense */
}

/* Whether the block was given back before the fault, by the fault's kind or where the pointer
 * lies. */
static bool is_freed(const struct hak_fault_facts *facts) {
    switch (facts->fault) {
    case 105:
    case 202:
    case 303:
    case 304:
    case 501:
    case 504:
        return true;
    case 507:
        return facts->free_stack != 0;
    default:
        return facts->memory == HAK_MEMORY_INSIDE_FREE;
    }
}

/* Loads the stacks at both ends of the block's life, from the store or what the fault itself
 * keeps. */
static void load_life(struct report_page *page, const struct hak_report_context *context) {
    const struct hak_life *life = page->life;
    page->is_freed = is_freed(page->facts);
    if (life && life->birth.id != 0)
        hak_frames_load(&page->alloc_frames, page->r, life->birth.stack);
    if (life && life->end_count > 0)
        hak_frames_load(&page->free_frames, page->r, life->ends[0].stack);
    if (page->alloc_frames.count == 0)
        hak_frames_copy(&page->alloc_frames, context->alloc_frames, context->alloc_frame_count);
    if (page->free_frames.count == 0)
        hak_frames_copy(&page->free_frames, context->free_frames, context->free_frame_count);
    if (report_has_clean_look(page))
        hak_frames_copy(&page->clean_frames, context->clean_frames, context->clean_frame_count);
}

/* Writes all parts of the page, in their order. */
static void write_page(struct hak_text *text, const struct report_page *page) {
    struct hak_text guess = {0};
    page->named->count = 0;
    page->shown->count = 0;
    report_name_thread(page, page->context.thread, page->context.thread_number);
    report_headline(text, page);
    hak_text_add(text, "\n\n");
    if (page->words) {
        if (!page->layer_move)
            report_stacks(text, page);
        report_pointer(text, page);
        report_picture(text, page);
        report_instruction(text, page);
        report_registers(text, page);
        if (page->layer_move)
            report_steps(text, page);
        else
            report_bytes(text, page);
        report_history(text, page);
    } else {
        report_crash(text, page);
    }
    report_others(text, page);
    bool is_guessed = report_guess(&guess, page); /* it may name threads, too */
    report_threads(text, page);
    report_completeness(text, page);
    if (is_guessed) {
        hak_text_add(text, "  GUESS             ");
        hak_text_add_text(text, &guess);
        hak_text_add(text, "\n");
    }
    hak_text_free(&guess);
    report_next(text, page);
    if (page->words && !page->layer_move && page->cut < CUT_ASIDES)
        report_allocator(text, page);
}

static void free_page(struct report_page *page) {
    hak_frames_free(&page->frames);
    hak_frames_free(&page->wrong_frames);
    hak_frames_free(&page->alloc_frames);
    hak_frames_free(&page->free_frames);
    hak_frames_free(&page->clean_frames);
    hak_story_free(page->story);
    free((char *)page->context.thread_name);
    free((char *)page->context.store_path);
}

int hak_report_make(struct hak_store_reader *r, const struct hak_report_request *request,
                    const struct hak_report_context *context, struct hak_report *out) {
    struct report_named named = {.count = 0};
    struct report_shown shown = {.count = 0};
    struct report_page page = {.r = r,
                               .request = request,
                               .facts = &request->facts,
                               .context = *context,
                               .named = &named,
                               .shown = &shown};
    *out = (struct hak_report){0};
    page.context.thread_name = strdup(context->thread_name ? context->thread_name : "");
    page.context.store_path = strdup(context->store_path ? context->store_path : "");
    if (!page.context.thread_name || !page.context.store_path ||
        hak_frames_copy(&page.frames, context->frames, context->frame_count) < 0) {
        free_page(&page);
        return -1;
    }
    if (page.context.signal == 0)
        page.context.signal = request->signal;
    page.words = hak_words_fault(request->facts.fault);
    bool is_call = page.words && !report_is_stopped(&request->facts);
    if (page.frames.count > 0 && !page.frames.frame[0].is_hakmem)
        page.frames.frame[0].is_interrupted = !is_call;
    page.layer_move = is_layer_move(request->facts.fault);
    ask_store(&page);
    settle_block(&page);
    find_wrong_step(&page);
    hak_frames_load(&page.wrong_frames, r, page.wrong.stack);
    load_life(&page, context);
    report_find_instruction(&page);
    struct hak_frames *const stacks[] = {&page.frames, &page.wrong_frames, &page.alloc_frames,
                                         &page.free_frames, &page.clean_frames};
    hak_report_mark_wrappers(r, stacks, sizeof stacks / sizeof *stacks);
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++)
        hak_words_accuse_caller(request->facts.fault, stacks[i]->frame, stacks[i]->count);
    report_find_type(&page);
    if (!report_is_given_word(&page)) /* its call is none of this block */
        page.found = own_event(&page);
    out->event = report_found_event(&page);
    out->base = page.base;
    out->birth = page.life ? page.life->birth.id : 0;
    report_load_allocated(&out->allocated, &page);
    report_fingerprint(page.fingerprint, &page, &out->allocated);
    memcpy(out->fingerprint, page.fingerprint, sizeof out->fingerprint);

    struct hak_text text = {0}, summary = {0}, headline = {0};
    write_page(&text, &page);
    while (hak_text_lines(&text) >= HAK_REPORT_LINES &&
           page.cut < CUT_SOURCE) { /* SUMMARY follows */
        hak_text_free(&text);
        page.cut++;
        write_page(&text, &page);
    }
    report_headline(&headline, &page);
    report_summary(&summary, &page);
    if (summary.bytes)
        hak_text_add(&text, "%s\n", summary.bytes);
    out->json = report_json(&page, hak_text_string(&headline), hak_text_string(&summary));
    out->text = hak_text_take(&text);
    out->summary = hak_text_take(&summary);
    hak_text_free(&headline);
    free_page(&page);
    if (!out->text || !out->summary || !out->json) {
        hak_report_free(out);
        return -1;
    }
    return 0;
}

void hak_report_free(struct hak_report *report) {
    free(report->text);
    free(report->summary);
    free(report->json);
    hak_frames_free(&report->allocated);
    *report = (struct hak_report){0};
}

/* Clauses and questions that several parts of the page share: the call, the place where the block
 * was allocated or the fault found, and when that was. */
#include "report/page/parts.h"

#include "hop.h"
#include "store/calls.h"

const char *report_call(const struct report_page *page) {
    switch (page->facts->kind) {
    case HAK_MALLOC:
        return "malloc";
    case HAK_FREE:
        return hak_call_given(page->facts->subkind >> 8);
    case HAK_REALLOC:
    case HAK_REALLOC_FROM:
        return "realloc";
    default:
        return hak_words_kind(page->facts->kind);
    }
}

bool report_wrote_more(const struct hak_fault_facts *facts) {
    return facts->damage_is_open || facts->damaged_span > facts->damaged_bytes;
}

bool report_add_who(struct hak_text *text, const struct hak_frames *frames) {
    int first = hak_words_telling_frame(frames->frame, frames->count);
    if (first < 0)
        return false;
    enum hak_frame_role role = hak_words_frame_role(frames->frame, frames->count, first);
    if (role == HAK_FRAME_START || role == HAK_FRAME_OWN)
        return false;
    const struct hak_frame *frame = &frames->frame[first];
    if (frame->function[0]) {
        hak_words_add_called(text, frame->function);
        hak_text_add(text, " ");
    }
    hak_words_add_location(text, frame, 1);
    return true;
}

void report_add_doer(struct hak_text *text, const struct report_page *page) {
    if (!report_add_who(text, &page->frames))
        hak_text_add(text, "the program");
}

/* The article of a number, "a" or "an": "8", "18", "11,000" and "800" are spoken with a vowel. */
static const char *article_of(uint64_t number) {
    while (number >= 1000)
        number /= 1000;
    bool is_vowel = number == 8 || number == 11 || number == 18 || (number >= 80 && number < 90) ||
                    (number >= 800 && number < 900);
    return is_vowel ? "an" : "a";
}

/* "40-byte Job", "40-byte block", "block" */
static void add_noun(struct hak_text *text, const struct report_page *page) {
    if (page->asked_known)
        hak_text_add(text, "%s-byte ", hak_words_number(page->asked_bytes));
    if (report_is_of_pool(page))
        hak_text_add(text, "piece");
    else
        hak_text_add_name(text, page->asked_known && page->type[0] ? page->type : "block");
}

void report_add_block(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, "%s ", page->asked_known ? article_of(page->asked_bytes) : "a");
    add_noun(text, page);
}

void report_add_freed_block(struct hak_text *text, const struct report_page *page) {
    struct hak_text who = {0};
    bool is_known = report_add_who(&who, &page->free_frames);
    bool is_again = page->facts->fault == 202;
    if (is_known || is_again) {
        report_add_block(text, page);
        hak_text_add(text, is_again ? " already freed" : " freed");
        if (is_known)
            hak_text_add(text, " by %s", hak_text_string(&who));
    } else {
        hak_text_add(text, "a freed ");
        add_noun(text, page);
    }
    hak_text_free(&who);
}

void report_add_allocated_block(struct hak_text *text, const struct report_page *page) {
    struct hak_text who = {0};
    report_add_block(text, page);
    if (report_add_who(&who, &page->alloc_frames))
        hak_text_add(text, " from %s", hak_text_string(&who));
    hak_text_free(&who);
}

void report_given_sentence(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    hak_text_add(text, "%s", report_call(page));
    if (facts->given_alignment == facts->asked_alignment)
        hak_text_add(text, " with size %s", hak_words_number(facts->given_bytes));
    else if (facts->given_alignment)
        hak_text_add(text, " with alignment %u", facts->given_alignment);
    else
        hak_text_add(text, " with no alignment");
    hak_text_add(text, " on ");
    report_add_block(text, page);
    hak_text_add(text, " from %s", hak_call_taken(facts->subkind & 0xff));
    if (facts->given_alignment != facts->asked_alignment && facts->asked_alignment)
        hak_text_add(text, " with alignment %u", facts->asked_alignment);
}

bool report_is_found_late(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    return hak_fault_is_damage(facts->fault) && !report_is_access(page);
}

const struct hak_frames *report_main_frames(const struct report_page *page) {
    if (page->wrong_step == WRONG_EARLIER && page->wrong_frames.count > 0)
        return &page->wrong_frames;
    if (report_is_found_late(page) && page->alloc_frames.count > 0)
        return &page->alloc_frames;
    return &page->frames;
}

const struct hak_frame *report_first_frame(const struct hak_frames *frames) {
    int first = hak_words_telling_frame(frames->frame, frames->count);
    if (first < 0 || hak_words_frame_role(frames->frame, frames->count, first) != HAK_FRAME_PROGRAM)
        return NULL;
    return &frames->frame[first];
}

bool report_found_place(struct hak_text *text, const struct report_page *page) {
    const struct hak_frame *frame =
        report_is_found_late(page) ? report_first_frame(&page->frames) : NULL;
    if (frame)
        hak_words_add_location(text, frame, 1);
    return frame != NULL;
}

void report_when(struct hak_text *text, uint64_t event, uint64_t ns, uint32_t number,
                 const char *name) {
    if (event != 0)
        hak_text_add(text, "event %s   ", hak_words_number(event));
    if (ns != 0)
        hak_text_add(text, "%s   ", hak_words_time(ns));
    hak_text_add(text, "thread %s\n",
                 name[0] ? hak_words_quoted(number, name) : hak_words_number(number));
}

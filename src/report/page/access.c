/* An access to the heap that the processor stopped: to freed memory, or beside a live block. */
#include "report/page/parts.h"

void report_freed_block(struct hak_text *text, const struct report_page *page) {
    const struct hak_event *end =
        page->life && page->life->end_count > 0 ? &page->life->ends[0] : NULL;
    if (page->asked_known)
        hak_text_add(text, "a block of %s freed ", hak_words_bytes(page->asked_bytes));
    else
        hak_text_add(text, "a block freed ");
    if (end && end->ns <= page->context.ns)
        hak_text_add(text, "%s ago", hak_words_ago(page->context.ns - end->ns));
    else
        hak_text_add(text, "before");
}

/* " at offset 8 of", " just past the end of", ", 16 bytes before" the block that the address lies
 * in or next to. */
static void add_distance(struct hak_text *text, const struct report_page *page) {
    int64_t offset = page->facts->offset;
    uint64_t past = (uint64_t)offset - page->asked_bytes;
    if (offset < 0)
        hak_text_add(text, ", %s before ", hak_words_bytes((uint64_t)-offset));
    else if (page->asked_known && (uint64_t)offset == page->asked_bytes)
        hak_text_add(text, " just past the end of ");
    else if (page->asked_known && (uint64_t)offset > page->asked_bytes)
        hak_text_add(text, ", %s past the end of ", hak_words_bytes(past));
    else
        hak_text_add(text, " at offset %s of ", hak_words_number((uint64_t)offset));
}

const char *report_access_words(const struct report_page *page) {
    static const char *const words[] = {"access", "read", "write", "jump"};
    return words[page->facts->access & 3];
}

void report_access_headline(struct hak_text *text, const struct report_page *page) {
    if (report_is_proved_by_word(page)) {
        hak_text_add(text, "use of a pointer read %s ",
                     page->facts->fault == 304   ? "from"
                     : page->facts->fault == 302 ? "from the bytes before"
                                                 : "past the end of");
    } else {
        hak_text_add(text, "%s", report_access_words(page));
        add_distance(text, page);
    }
    if (page->facts->fault == 304)
        report_freed_block(text, page);
    else
        hak_text_add(text, "a block of %s", hak_words_bytes(page->asked_bytes));
    if (page->facts->damaged_bytes > 0)
        hak_text_add(text, "; %s%s before the processor stopped it",
                     report_wrote_more(page->facts) ? "at least " : "",
                     hak_words_count(page->facts->damaged_bytes, "byte was overwritten",
                                     "bytes were overwritten"));
}

void report_access_sentence(struct hak_text *text, const struct report_page *page) {
    if (report_is_proved_by_word(page)) {
        hak_text_add(text,
                     "a pointer that is not an address was used (%s); it holds the pattern %s",
                     hak_words_signal(page->context.signal),
                     page->facts->fault == 304   ? "that fills this block"
                     : page->facts->fault == 302 ? "of this block's header"
                                                 : "past this block's end");
        return;
    }
    hak_text_add(text, "the %s of 0x%llx was stopped (%s)", report_access_words(page),
                 (unsigned long long)page->request->signal_address,
                 hak_words_signal(page->context.signal));
    if (page->facts->offset == 0 && page->facts->found_address < page->user)
        hak_text_add(text, ": a vector access that begins %s before the block",
                     hak_words_bytes(page->user - page->facts->found_address));
}

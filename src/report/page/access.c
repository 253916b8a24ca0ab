/* An access to the heap, to freed memory or beside a live block: one that the processor stopped, or
 * one that a function was about to make. */
#include "report/page/parts.h"

#include <stdio.h>

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

const char *report_function(const struct report_page *page) {
    static char name[sizeof page->facts->call];
    snprintf(name, sizeof name, "%.*s", (int)sizeof name - 1, page->facts->call);
    return name[0] ? name : "a function";
}

/* "writes 12 bytes": what the function does, with a verb for what it was about to do and one for
 * what it has done. */
static void add_touch(struct hak_text *text, const struct report_page *page, const char *will,
                      const char *has) {
    const struct hak_fault_facts *facts = page->facts;
    hak_text_add(text, "%s %s %s%s", report_function(page),
                 facts->call_flags & HAK_TOUCH_DONE ? has : will,
                 facts->call_flags & HAK_TOUCH_AT_LEAST ? "at least " : "",
                 hak_words_bytes(facts->call_bytes));
}

/* Bytes of the block from the pointer on. */
static uint64_t room_of(const struct report_page *page) {
    uint64_t offset = (uint64_t)page->facts->offset;
    return page->facts->offset >= 0 && offset < page->asked_bytes ? page->asked_bytes - offset : 0;
}

static void add_function_headline(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    uint64_t room = room_of(page);
    bool is_write = facts->access == HAK_ACCESS_WRITE;
    if (facts->call_flags & HAK_TOUCH_ASKS) {
        hak_text_add(text, "%s was asked about ", report_function(page));
        report_freed_block(text, page);
        return;
    }
    add_touch(text, page, is_write ? "writes" : "reads", is_write ? "wrote" : "read");
    add_distance(text, page);
    if (facts->fault == 304) {
        report_freed_block(text, page);
        return;
    }
    hak_text_add(text, "a block of %s", hak_words_bytes(page->asked_bytes));
    if (facts->fault != 301 || room == 0 || facts->call_bytes <= room)
        return;
    if (facts->call_flags & HAK_TOUCH_AT_LEAST)
        hak_text_add(text, ", past its end");
    else
        hak_text_add(text, ", %s of them past its end", hak_words_number(facts->call_bytes - room));
}

static void add_function_sentence(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    bool is_write = facts->access == HAK_ACCESS_WRITE;
    if (facts->call_flags & HAK_TOUCH_ASKS) {
        hak_text_add(text, "%s was asked about the block at 0x%llx, which had been freed",
                     report_function(page), (unsigned long long)facts->found_address);
        return;
    }
    add_touch(text, page, is_write ? "was about to write" : "was about to read",
              is_write ? "had written" : "had read");
    hak_text_add(text, " at 0x%llx", (unsigned long long)facts->found_address);
    if (facts->fault == 304)
        hak_text_add(text, ", in a block that had been freed");
    else if (facts->offset < 0)
        hak_text_add(text, ", where no block is");
    else
        hak_text_add(text, ", where the block has %s", hak_words_bytes(room_of(page)));
}

void report_access_headline(struct hak_text *text, const struct report_page *page) {
    if (report_is_by_function(page)) {
        add_function_headline(text, page);
        return;
    }
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
    if (report_is_by_function(page)) {
        add_function_sentence(text, page);
        return;
    }
    if (report_is_proved_by_word(page)) {
        hak_text_add(text,
                     "a pointer that is not an address was used (%s); it holds the pattern %s",
                     hak_words_signal(page->context.signal),
                     page->facts->fault == 304   ? "that fills this block"
                     : page->facts->fault == 302 ? "of this block's header"
                                                 : "past this block's end");
        return;
    }
    if (page->facts->found_by == HAK_FOUND_BY_WATCH) {
        hak_text_add(text, "the %s was done, and a watchpoint at 0x%llx stopped the thread",
                     report_access_words(page), (unsigned long long)page->facts->found_address);
        return;
    }
    hak_text_add(text, "the %s of 0x%llx was stopped (%s)", report_access_words(page),
                 (unsigned long long)page->request->signal_address,
                 hak_words_signal(page->context.signal));
    if (page->facts->offset == 0 && page->facts->found_address < page->user)
        hak_text_add(text, ": a vector access that begins %s before the block",
                     hak_words_bytes(page->user - page->facts->found_address));
}

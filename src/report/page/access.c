/* An access to the heap, to freed memory or beside a live block: one that the processor stopped, or
 * one that a function was about to make. */
#include "report/page/parts.h"

#include <stdio.h>

/* Adds the address's distance from the block that it lies in or next to: " at offset 8 of", " right
 * past the end of", " 16 bytes before"; `comma` stands before a number of bytes. */
static void add_distance(struct hak_text *text, const struct report_page *page, const char *comma) {
    int64_t offset = page->facts->offset;
    uint64_t past = (uint64_t)offset - page->asked_bytes;
    if (offset < 0)
        hak_text_add(text, "%s %s before ", comma, hak_words_bytes((uint64_t)-offset));
    else if (page->asked_known && (uint64_t)offset == page->asked_bytes)
        hak_text_add(text, " right past the end of ");
    else if (page->asked_known && (uint64_t)offset > page->asked_bytes)
        hak_text_add(text, "%s %s past the end of ", comma, hak_words_bytes(past));
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

/* Bytes of the block from the pointer on. */
static uint64_t room_of(const struct report_page *page) {
    uint64_t offset = (uint64_t)page->facts->offset;
    return page->facts->offset >= 0 && offset < page->asked_bytes ? page->asked_bytes - offset : 0;
}

/* Adds the block that the headline is about: freed, or live. */
static void add_touched_block(struct hak_text *text, const struct report_page *page) {
    if (page->facts->fault == 304)
        report_add_freed_block(text, page);
    else
        report_add_allocated_block(text, page);
}

/* "memcpy, called by f, writes 32 bytes, 8 past the end of ...": an access by a function of libc.
 */
static void add_function_headline(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    uint64_t room = room_of(page);
    bool is_write = facts->access == HAK_ACCESS_WRITE;
    struct hak_text who = {0};
    if (facts->call_flags & HAK_TOUCH_ASKS) {
        report_add_doer(text, page);
        hak_text_add(text, " asks %s about ", report_function(page));
        report_add_freed_block(text, page);
        return;
    }
    hak_text_add(text, "%s", report_function(page));
    if (report_add_who(&who, &page->frames))
        hak_text_add(text, ", called by %s,", hak_text_string(&who));
    hak_text_free(&who);
    hak_text_add(text, " %s %s%s",
                 facts->call_flags & HAK_TOUCH_REFUSED
                     ? is_write ? "could not write (EFAULT)" : "could not read (EFAULT)"
                 : facts->call_flags & HAK_TOUCH_DONE ? is_write ? "wrote" : "read"
                 : is_write                           ? "writes"
                                                      : "reads",
                 facts->call_flags & HAK_TOUCH_AT_LEAST ? "at least " : "",
                 hak_words_bytes(facts->call_bytes));
    add_distance(text, page, ",");
    add_touched_block(text, page);
    if (facts->fault != 301 || room == 0 || facts->call_bytes <= room)
        return;
    if (facts->call_flags & HAK_TOUCH_AT_LEAST)
        hak_text_add(text, ", past its end");
    else
        hak_text_add(text, ", %s of them past its end", hak_words_number(facts->call_bytes - room));
    if (facts->damaged_bytes > 0)
        hak_text_add(text, "; at least %s there before",
                     hak_words_count(facts->damaged_bytes, "byte was overwritten",
                                     "bytes were overwritten"));
}

/* How many frees ago the pointer's tag was the memory's; 0: that is not known. A program that noted
 * the memory's tag alone knew tags of slots in level normal only, which go from 1 to 15 in turn. */
static unsigned frees_ago(const struct report_page *page) {
    enum { TAGS_IN_TURN = 15 };
    const struct hak_fault_facts *facts = page->facts;
    unsigned tag = facts->pointer_tag % HAK_FACTS_TAG, now = facts->memory_tag % HAK_FACTS_TAG;
    unsigned ago = facts->memory_tag / HAK_FACTS_TAG;
    bool is_of_slot = facts->fault == 304 && facts->superslab != 0 && tag != 0 && now != 0 &&
                      !page->context.is_light;
    if (ago == HAK_FACTS_NO_LIFE)
        return 0;
    return ago != 0 || !is_of_slot ? ago : (now + TAGS_IN_TURN - tag) % TAGS_IN_TURN;
}

/* "; the pointer's memory tag is 7, the memory's 10: of 3 frees ago" (docs/specs/tags.md). */
static void add_tags(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    unsigned tag = facts->pointer_tag % HAK_FACTS_TAG, now = facts->memory_tag % HAK_FACTS_TAG;
    unsigned ago = frees_ago(page);
    if (facts->pointer_tag == 0)
        return;
    hak_text_add(text, "; the pointer's memory tag is %u, the memory's %u", tag, now);
    if (ago != 0)
        hak_text_add(text, ": of %s ago", hak_words_count(ago, "free", "frees"));
}

/* The sentence of the step for an access by a function of libc. */
static void add_function_sentence(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    bool is_write = facts->access == HAK_ACCESS_WRITE;
    if (facts->call_flags & HAK_TOUCH_ASKS) {
        hak_text_add(text, "%s was asked about the block at 0x%llx, which had been freed",
                     report_function(page), (unsigned long long)facts->found_address);
        return;
    }
    hak_text_add(text, "%s %s %s %s%s at 0x%llx", report_function(page),
                 facts->call_flags & HAK_TOUCH_REFUSED ? "failed (EFAULT): the kernel could not"
                 : facts->call_flags & HAK_TOUCH_DONE  ? "had"
                                                       : "was about to",
                 !(facts->call_flags & HAK_TOUCH_DONE) ? is_write ? "write" : "read"
                 : is_write                            ? "written"
                                                       : "read",
                 facts->call_flags & HAK_TOUCH_AT_LEAST ? "at least " : "",
                 hak_words_bytes(facts->call_bytes), (unsigned long long)facts->found_address);
    if (facts->fault == 304)
        hak_text_add(text, ", in a block that had been freed");
    else if (facts->offset < 0)
        hak_text_add(text, ", where no block is");
    else
        hak_text_add(text, ", where the block has %s", hak_words_bytes(room_of(page)));
    add_tags(text, page);
}

/* How many bytes the instruction touches from the address of the fault on; 0 = not known. */
static uint64_t touched_bytes(const struct report_page *page) {
    uint64_t from = page->user + (uint64_t)page->facts->offset;
    bool is_whole = page->touch && page->touch->address == from && !page->instruction.is_repeated;
    return is_whole ? page->touch->bytes : 0;
}

/* The headline of an access: "main() app.c:7 reads 4 bytes at offset 0 of a 100-byte block freed by
 * main() app.c:6". */
void report_access_headline(struct hak_text *text, const struct report_page *page) {
    static const char *const verbs[] = {"accesses", "reads", "writes", "executes"};
    if (report_is_by_function(page)) {
        add_function_headline(text, page);
        return;
    }
    report_add_doer(text, page);
    uint64_t bytes = touched_bytes(page);
    if (report_is_proved_by_word(page)) {
        hak_text_add(text, " uses a pointer read %s ",
                     page->facts->fault == 304   ? "from"
                     : page->facts->fault == 302 ? "from the bytes before"
                                                 : "past the end of");
    } else {
        hak_text_add(text, " %s %s", verbs[page->facts->access & 3],
                     bytes ? hak_words_bytes(bytes) : "memory");
        add_distance(text, page, bytes ? "," : "");
    }
    add_touched_block(text, page);
    if (page->facts->damaged_bytes > 0)
        hak_text_add(text, "; at least %s before the processor stopped it",
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
    hak_text_add(text, "%s %s 0x%llx faulted", report_access_words(page),
                 page->facts->access == HAK_ACCESS_READ ? "of" : "to",
                 (unsigned long long)page->request->signal_address);
    if (page->facts->offset == 0 && page->facts->found_address < page->user)
        hak_text_add(text, ": a vector access that begins %s before the block",
                     hak_words_bytes(page->user - page->facts->found_address));
    add_tags(text, page);
}

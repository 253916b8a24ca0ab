/* The page of a death by a signal that is no heap fault: where it was, and which registers point
 * into the heap. */
#include "report/page/parts.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "hop.h"
#include "trace/pattern.h"

#define REGISTERS_SHOWN 8

/* DWARF's order, as in the session memory. */
static const char *const register_names[HAK_REPORT_REGISTERS] = {
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
    "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip"};

/* What a register's value is that has the form of a pattern. */
static const char *pattern_words(uint64_t value) {
    switch (hak_pattern_of(value)) {
    case HAK_PATTERN_FREED:
        return " is the pattern that fills freed memory";
    case HAK_PATTERN_CANARY:
        return " is the pattern past a block's end";
    case HAK_PATTERN_UNWRITTEN:
        return " is the pattern that fills new blocks";
    case HAK_PATTERN_HEADER:
    case HAK_PATTERN_HEADER_2:
        return " is the pattern of a block's header";
    case HAK_PATTERN_NONE:
        break;
    }
    return "";
}

const char *report_register_name(uint32_t number) {
    return number < HAK_REPORT_REGISTERS ? register_names[number] : "a register";
}

static void add_where(struct hak_text *text, const struct report_page *page,
                      const struct hak_event *event) {
    struct hak_thread_words thread;
    report_look_up_thread(page, event->thread, &thread);
    hak_text_add(text, "%s by thread %s", hak_words_call(event), hak_words_thread(&thread));
    struct hak_frames frames;
    hak_frames_load_top(&frames, page->r, event->stack);
    int first = hak_words_telling_frame(frames.frame, frames.count);
    if (first >= 0) {
        hak_text_add(text, " at ");
        hak_words_add_location(text, &frames.frame[first], 1);
    }
    hak_frames_free(&frames);
}

static const struct hak_event *last_end(const struct hak_life *life) {
    return life->end_count > 0 ? &life->ends[life->end_count > 1 ? 1 : 0] : NULL;
}

bool report_describe(struct hak_text *text, const struct report_page *page, uint64_t address) {
    struct hak_story *story = NULL;
    if (!page->r || address < 4096 ||
        hak_story_load(page->r, address, page->context.process, page->context.fault_event,
                       &story) <= 0 ||
        !story)
        return false;
    const struct hak_life *life =
        story->life_count > 0 ? &story->lives[story->life_count - 1] : NULL;
    if (!life || life->birth.id == 0) {
        hak_story_free(story);
        return false;
    }
    uint64_t user = life->birth.address;
    uint64_t asked = hak_life_bytes(life);
    const struct hak_event *end = last_end(life);
    if (address == user)
        hak_text_add(text, "is the start of a ");
    else if (address > user && address - user >= asked)
        hak_text_add(text, "is %s past the end of a ", hak_words_bytes(address - user - asked));
    else if (address > user)
        hak_text_add(text, "is %s into a ", hak_words_bytes(address - user));
    else
        hak_text_add(text, "is %s before a ", hak_words_bytes(user - address));
    hak_text_add(text, "%s block of %s: ", end ? "freed" : "live", hak_words_bytes(asked));
    add_where(text, page, end ? end : &life->birth);
    hak_story_free(story);
    return true;
}

/* A pointer that the processor does not take: those registers may be it. */
static int add_no_addresses(struct hak_text *text, const struct report_page *page) {
    int shown = 0;
    if (!report_is_general_fault(page))
        return 0;
    for (int i = 0; i < HAK_REPORT_REGISTERS && shown < REGISTERS_SHOWN / 2; i++) {
        uint64_t value = page->request->registers[i];
        if (!report_is_no_address(value))
            continue;
        hak_text_add(text, "%s      %-3s 0x%llx%s\n",
                     shown++ == 0 ? "that hold no valid address:\n" : "", register_names[i],
                     (unsigned long long)value, pattern_words(value));
    }
    return shown;
}

static void add_registers(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, "  REGISTERS         ");
    int shown = 0, strange = add_no_addresses(text, page);
    if (strange > 0)
        hak_text_add(text, "                    ");
    if (!page->r) {
        hak_text_add(text, "not looked up: there is no store\n");
        return;
    }
    uint64_t told[REGISTERS_SHOWN];
    for (int i = 0; i < HAK_REPORT_REGISTERS && shown < REGISTERS_SHOWN; i++) {
        uint64_t value = page->request->registers[i];
        bool known = false;
        for (int k = 0; k < shown; k++)
            known |= told[k] == value;
        struct hak_text line = {0};
        if (!known && report_describe(&line, page, value)) {
            hak_text_add(text, "%s      %-3s 0x%llx %s\n",
                         shown == 0 ? "that point into the heap:\n" : "", register_names[i],
                         (unsigned long long)value, hak_text_string(&line));
            told[shown++] = value;
        }
        hak_text_free(&line);
    }
    if (shown == 0)
        hak_text_add(text, "none points into a block of the heap\n");
}

bool report_has_address(const struct report_page *page) {
    return (page->context.signal == SIGSEGV || page->context.signal == SIGBUS) &&
           page->request->signal_code > 0 && page->request->signal_code != SI_KERNEL;
}

void report_crash(struct hak_text *text, const struct report_page *page) {
    report_address(text, page);
    hak_text_add(text, "  CRASH             ");
    if (report_found_event(page) != 0)
        hak_text_add(text, "event %s   ", hak_words_number(report_found_event(page)));
    if (page->context.ns != 0)
        hak_text_add(text, "%s   ", hak_words_time(page->context.ns));
    hak_text_add(text, "thread %s   %s, ",
                 page->context.thread_name[0]
                     ? hak_words_quoted(page->context.thread_number, page->context.thread_name)
                     : hak_words_number(page->context.thread_number),
                 hak_words_signal(page->context.signal));
    report_cause(text, page);
    hak_text_add(text, "\n");
    report_add_stack(text, &page->frames, true, "none could be taken");
    struct hak_text handler = {0};
    if (report_handler(&handler, page))
        hak_text_add(text, "  HANDLER           %s\n", hak_text_string(&handler));
    hak_text_free(&handler);
    add_registers(text, page);
}

/* The end of a report: how complete the record is, what may be guessed, SUMMARY.
 */
#include "report/page/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "hop.h"
#include "superslab.h"
#include "trace/record.h"

#define REACH_OF_NULL 65536 /* nothing is mapped there */

/* Says why an unwinder's walk ended early, by enum hak_unwind_end; NULL = it did not. */
static const char *unwind_trouble(uint32_t end) {
    static const char *const words[] = {
        NULL,
        "of the fault's stack only the innermost 256 frames were kept",
        "the fault's stack ends at code without call frame information",
        "the fault's stack is damaged: its last frames may be wrong",
        "the fault's stack is missing: a signal handler had interrupted the unwinder",
        "the fault's stack runs through code without call frame information: callers there were "
        "found by frame pointers",
    };
    return end < sizeof words / sizeof *words ? words[end] : "the fault's stack may be incomplete";
}

/* Counts the block's events whose stack is only a part; 0 without a story. */
static int count_partial(const struct report_page *page) {
    int partial = 0;
    const struct hak_story *story = page->story;
    for (int i = 0; story && i < story->move_count; i++)
        partial += (story->moves[i].flags & HAK_RECORD_PARTIAL) != 0;
    return partial;
}

/* Appends ", " or the heading before each finding. */
static void finding(struct hak_text *text, int *findings, const char *what) {
    hak_text_add(text, "%s%s", (*findings)++ > 0 ? "; " : "", what);
}

/* The first module of the program's frames in which no frame has a line; NULL = none. A module with
 * some lines has its reasons for the rest. */
static const char *module_without_lines(const struct hak_frames *frames) {
    for (int i = 0; i < frames->count; i++) {
        const struct hak_frame *frame = &frames->frame[i];
        bool has_lines = false;
        if (!frame->module[0] || frame->file[0] ||
            hak_words_frame_role(frames->frame, frames->count, i) > HAK_FRAME_WRAPPER)
            continue;
        for (int k = 0; k < frames->count && !has_lines; k++)
            has_lines =
                frames->frame[k].file[0] && strcmp(frames->frame[k].module, frame->module) == 0;
        if (!has_lines)
            return frame->module;
    }
    return NULL;
}

/* A finding for each module of the three stacks that lacks debug information. */
static void add_missing_lines(struct hak_text *text, int *findings,
                              const struct report_page *page) {
    const struct hak_frames *stacks[] = {&page->frames, &page->alloc_frames, &page->free_frames};
    const char *told = NULL;
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        const char *module = module_without_lines(stacks[i]);
        if (!module || (told && strcmp(told, module) == 0))
            continue;
        finding(text, findings, "no debug information for ");
        hak_text_add(text, "%s; build with -g", hak_words_path(module, 1, false));
        told = module;
    }
}

/* Adds that modules' symbols are yet to be read, which are not said to have none; else that lines
 * are missing. */
static void add_unread_symbols(struct hak_text *text, int *findings,
                               const struct report_page *page) {
    const char *const *late = page->context.late_modules;
    if (!late || !late[0]) {
        add_missing_lines(text, findings, page);
        return;
    }
    finding(text, findings, "");
    hak_words_add_late(text, late);
}

/* Adds the limits of level light: how many of the allocations were watched. */
static void add_watched(struct hak_text *text, int *findings, const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    bool is_none = request->guarded_blocks == 0;
    bool is_all = !is_none && request->calls <= request->guarded_blocks;
    finding(text, findings, "level light: ");
    hak_text_add(text, "%s%s", hak_words_watched(request->guarded_blocks, request->calls),
                 request->is_unrecorded || !page->r || is_none ? ", and nothing was recorded"
                 : is_all                                      ? ""
                                                               : ", and nothing is known of the "
                                                                 "others");
}

/* Adds how much was guarded, if not all was. Level light has said it. */
static void add_guarded(struct hak_text *text, const struct hak_report_context *context) {
    const struct hak_coverage *coverage = &context->coverage;
    if (context->is_light || !hak_coverage_is_known(coverage) ||
        coverage->guarded >= coverage->blocks)
        return;
    hak_text_add(text, "; guarded ");
    hak_words_add_coverage(text, coverage, NULL);
    if (context->is_forked)
        hak_text_add(text, " since the fork");
}

void report_completeness(struct hak_text *text, const struct report_page *page) {
    int findings = 0;
    hak_text_add(text, "  COMPLETENESS      ");
    if (page->context.is_light) {
        add_watched(text, &findings, page);
    } else if (page->request->is_unrecorded) {
        finding(text, &findings,
                "nothing was recorded (HAKMEM_TRACE=off): what the program itself "
                "keeps is shown");
    } else if (!page->r) {
        finding(text, &findings, "no store: only what the program itself left is shown");
    } else if (page->trouble[0]) {
        finding(text, &findings, "the store could not be queried: ");
        hak_text_add_name(text, page->trouble);
    }
    if (page->request->unreported_before) {
        finding(text, &findings, "");
        hak_text_add(text, "%s not reported since the last report of this place",
                     hak_words_count(page->request->unreported_before, "fault like this was",
                                     "faults like this were"));
    }
    if (page->r && page->words && page->context.fault_event == 0 && !page->request->is_unrecorded)
        finding(text, &findings, "the fault's own record is not in the store");
    if (page->story && page->story->lost_events > 0) {
        finding(text, &findings,
                hak_words_count(page->story->lost_events, "event was lost", "events were lost"));
        hak_text_add(text, " while this block was in use: a step may be missing");
    }
    if (page->story && page->story->stops > 0)
        finding(text, &findings,
                "recording was stopped for a while since this block was first seen: an owner, or a "
                "step, may be missing");
    if (page->story && page->story->moves_total > (uint64_t)page->story->move_count)
        finding(text, &findings, "only the newest events of this block were looked at");
    if (page->life && page->life->birth.id == 0)
        finding(text, &findings, "the capture does not reach back to this block's allocation");
    if (page->facts->closed_blocks) {
        unsigned blocks = page->facts->closed_blocks;
        finding(text, &findings, blocks == UINT16_MAX ? "at least " : "");
        hak_text_add(text, "%s not looked at: the program has closed pages of %s",
                     hak_words_count(blocks, "block was", "blocks were"),
                     blocks == 1 ? "it" : "them");
    }
    struct hak_text missed = {0};
    if (hak_words_add_missed(&missed, &page->context.missed))
        finding(text, &findings, hak_text_string(&missed));
    hak_text_free(&missed);
    int partial = count_partial(page);
    if (partial > 0) {
        finding(text, &findings, "");
        hak_text_add(text, "%s of this block's history may be cut short",
                     hak_words_count((uint64_t)partial, "stack", "stacks"));
    }
    add_unread_symbols(text, &findings, page);
    const struct hak_second_opinion *second = page->context.second;
    if (unwind_trouble(page->request->unwind_end))
        finding(text, &findings, unwind_trouble(page->request->unwind_end));
    else if (page->frames.count == 0)
        finding(text, &findings, "the fault has no stack");
    if (second && second->verdict == HAK_OPINION_FURTHER) {
        finding(text, &findings, "");
        hak_text_add(text, "libunwind went further: the frames from 0x%" PRIx64 " on are its",
                     second->caller);
    } else if (second && second->verdict == HAK_OPINION_DIFFERENT) {
        finding(text, &findings, "");
        hak_text_add(text,
                     "libunwind finds another stack: 0x%" PRIx64 " where hakmem has 0x%" PRIx64,
                     second->caller, page->request->frames[second->at]);
    }
    if (findings == 0)
        hak_text_add(text, page->words ? "all events kept, all stacks whole"
                                       : "all events kept, the stack is whole");
    add_guarded(text, &page->context);
    if (page->context.unwatched)
        hak_text_add(text, "; %s", hak_words_unwatched(page->context.unwatched));
    hak_text_add(text, "\n");
}

/* Adds the guess of an index out of range for an address far from the block; false, and nothing is
 * added, nearer to it. */
static bool guess_index(struct hak_text *text, const struct hak_fault_facts *facts) {
    enum { NEAR_BLOCK_BYTES = 4096 };
    int64_t past = facts->offset < 0 ? -facts->offset : facts->offset - (int64_t)facts->asked_bytes;
    if (!report_is_stopped(facts) || past <= NEAR_BLOCK_BYTES)
        return false;
    hak_text_add(text, "an index out of range: the address is the block's start plus an index "
                       "held in a register");
    return true;
}

/* Guesses from the damaged bytes how they were written. False: no guess. */
static bool guess_overflow(struct hak_text *text, const struct hak_fault_facts *facts) {
    uint64_t past = (uint64_t)facts->offset - facts->asked_bytes;
    if (facts->offset < 0 || report_is_stopped(facts) || facts->found_by == HAK_FOUND_BY_FUNCTION)
        return false;
    if (facts->damaged_bytes == 1 && past == 0 && facts->damage[0] == 0) {
        hak_text_add(text, "a string's terminating NUL did not fit (strlen without + 1)");
        return true;
    }
    unsigned known = facts->damaged_bytes < 32 ? facts->damaged_bytes : 32;
    unsigned printable = 0; /* at the front: text ends with one byte that is not */
    while (printable < known && facts->damage[printable] >= 0x20 && facts->damage[printable] < 0x7f)
        printable++;
    if (past == 0 && printable >= 2 && printable + 1 >= known) {
        hak_text_add(text, "text was copied in without checking the size: \"");
        for (unsigned i = 0; i < printable; i++)
            hak_text_add(text, "%c", facts->damage[i]);
        hak_text_add(text, "\"");
        return true;
    }
    if (past > 0) {
        hak_text_add(text, "an index past the end: the first %s after the block are untouched",
                     hak_words_bytes(past));
        return true;
    }
    return false;
}

/* Guesses why the program crashed, by registers read from blocks, a null pointer with an offset, or
 * a pattern. False: no guess. */
static bool guess_crash(struct hak_text *text, const struct report_page *page) {
    uint64_t address = page->request->signal_address;
    if (report_guess_candidates(text, page))
        return true;
    if (report_has_address(page) && page->request->full_stack_bytes == 0) {
        if (address + REACH_OF_NULL >= 2 * REACH_OF_NULL || address == 0)
            return false;
        hak_text_add(text, "a member or an element was touched through a null pointer");
        return true;
    }
    return report_is_general_fault(page) && report_guess_pattern(text, page);
}

bool report_guess(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const struct hak_event *wrong = page->wrong.id ? &page->wrong : NULL;
    uint64_t header = page->user - page->base;
    switch (facts->fault) {
    case 0:
        return guess_crash(text, page);
    case 101:
    case 104:
        if (page->has_header && facts->offset != 0 && (uint64_t)facts->offset == header) {
            hak_text_add(text,
                         "the header's %s were added twice on the way from the magazine to "
                         "the list",
                         hak_words_bytes(header));
            return true;
        }
        if (facts->fault == 104 && facts->offset == 0 && !wrong) {
            hak_text_add(text, "the program wrote into the block after it was freed, or past the "
                               "end of the block before it");
            return true;
        }
        return false;
    case 201:
        if (page->user && facts->found_address > page->user &&
            facts->found_address < page->user + page->asked_bytes) {
            hak_text_add(text, "the pointer was advanced after the allocation and not moved back "
                               "before the free");
            return true;
        }
        return false;
    case 301:
        if (report_is_proved_by_word(page))
            return false;
        return guess_index(text, facts) || guess_overflow(text, facts);
    case 302:
        if (!report_is_proved_by_word(page) && guess_index(text, facts))
            return true;
        if (report_is_access(page))
            return false;
        hak_text_add(text, "%s",
                     report_is_far_in_front(page)
                         ? "a negative index, or a pointer that was moved back too far"
                         : "a negative index, or a write past the end of the block before it");
        return true;
    default:
        return false;
    }
}

/* "store=" and the store's name, without its folders. */
static void add_store_name(struct hak_text *text, const struct report_page *page) {
    const char *slash = strrchr(page->context.store_path, '/');
    hak_text_add(text, " store=");
    const char *name = slash ? slash + 1 : page->context.store_path;
    hak_text_add_word(text, name[0] ? name : "none");
}

const char *report_hop(const struct report_page *page) {
    static const char *const accesses[] = {"ACCESS", "READ", "WRITE", "EXECUTE"};
    const struct hak_fault_facts *facts = page->facts;
    if (page->wrong_step == WRONG_EARLIER)
        return hak_words_kind(page->wrong.kind);
    if (report_is_access(page))
        return accesses[facts->access & 3];
    if (facts->found_by == HAK_FOUND_BY_CRASH)
        return "CRASH";
    if (facts->found_by == HAK_FOUND_BY_LOOK)
        return "LOOK";
    bool is_call =
        facts->found_by == HAK_FOUND_BY_CALL || facts->found_by == HAK_FOUND_BY_NEIGHBOUR;
    return is_call ? hak_words_kind(facts->kind) : "SWEEP";
}

void report_summary(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const struct hak_frames *frames = report_main_frames(page);
    const struct hak_frame *frame = frames->frame;
    int count = frames->count;
    /* A wild call went into no module; its caller is the next frame. */
    for (; count > 1 && !page->words && frame->module[0] == 0; frame++)
        count--;
    hak_text_add(text, "SUMMARY: hakmem: %s ", page->words ? page->words->name : "crash");
    if (frames == &page->alloc_frames) /* nobody knows the line that wrote */
        hak_text_add(text, "of a block from ");
    int first = hak_words_telling_frame(frame, count);
    if (first >= 0) {
        hak_words_add_location(text, &frame[first], 1);
        hak_text_add(text, " ");
        hak_words_add_function(text, frame[first].function);
    } else {
        hak_text_add(text, "?? ??");
    }
    if (!page->words) {
        hak_text_add(text, " signal=%s", hak_words_signal(page->context.signal));
        add_store_name(text, page);
        return;
    }
    hak_text_add(text, " hop=%s", report_hop(page));
    if (page->layer_move)
        hak_text_add(text, " class=%s",
                     page->base ? hak_words_class(page->r, facts->class_due) : "none");
    else if (page->base && page->asked_known)
        hak_text_add(text, " size=%" PRIu64, page->asked_bytes);
    else
        hak_text_add(text, " size=unknown");
    if (report_has_offset(page))
        hak_text_add(text, " offset=%+lld", (long long)facts->offset);
    else
        hak_text_add(text, " offset=unknown");
    struct hak_text found = {0};
    if (frames != &page->frames && report_found_place(&found, page))
        hak_text_add(text, " found=%s", hak_text_string(&found));
    hak_text_free(&found);
    add_store_name(text, page);
}

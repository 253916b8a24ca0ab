/* FIRST WRONG STEP and FOUND: the act, its time, its author, and its stack. */
#include "report/page/parts.h"

#include <stdio.h>
#include <string.h>
#include "hop.h"
#include "store/calls.h"
#include "superslab.h"

#define STEP_FRAMES_TIGHT 4
#define CLEAN_TIGHT       2

/* "the sweep at exit": the finder that is no call and no access; NULL = it is one of these. */
static const char *sweep_name(uint32_t found_by) {
    static const char *const names[] = {
        [HAK_FOUND_BY_EXIT] = "the sweep at exit",
        [HAK_FOUND_BY_SIGNAL] = "the sweep on a signal",
        [HAK_FOUND_BY_VERIFY] = "hak_verify",
        [HAK_FOUND_BY_COUNT] = "the periodic sweep",
        [HAK_FOUND_BY_CONTROL] = "the sweep by ctl",
        [HAK_FOUND_BY_CRASH] = "the sweep at the crash",
        [HAK_FOUND_BY_LATE_WATCH] = "a late watchpoint (SIGTRAP was blocked at the write)",
        [HAK_FOUND_BY_OPENING] = "the opening of its page", /* of clean looks alone */
    };
    return found_by < sizeof names / sizeof *names ? names[found_by] : NULL;
}

/* The last event that changed the block before it was damaged, NULL = none is known. */
static const struct hak_event *last_change(const struct report_page *page) {
    const struct hak_life *life = page->life;
    if (life && page->is_freed && life->end_count > 0)
        return &life->ends[0];
    if (life && life->resize_count > 0)
        return &life->resizes[life->resize_count - 1];
    return life && life->birth.id != 0 ? &life->birth : NULL;
}

bool report_has_clean_look(const struct report_page *page) {
    const struct hak_event *change = last_change(page);
    uint64_t ns = page->context.clean_ns;
    return report_is_found_late(page) && change && sweep_name(page->facts->clean_by) &&
           ns > change->ns && ns < page->context.ns;
}

/* Writes leave no record: only the events or looks before and after it are known. */
static void add_window(struct hak_text *text, const struct report_page *page) {
    const struct hak_event *from = last_change(page);
    if (!from || report_found_event(page) == 0) {
        hak_text_add(text, "not known: writes are not recorded");
        return;
    }
    if (report_has_clean_look(page))
        hak_text_add(text, "%s at %s, %s, and ", sweep_name(page->facts->clean_by),
                     hak_words_time(page->context.clean_ns),
                     page->facts->clean_by == HAK_FOUND_BY_OPENING
                         ? "before which nobody could write there"
                         : "which found the block intact");
    else
        hak_text_add(text, "event %s (%s) and ", hak_words_number(from->id), hak_words_call(from));
    hak_text_add(text, "event %s; writes are not recorded",
                 hak_words_number(report_found_event(page)));
}

void report_wrong_sentence(struct hak_text *text, const struct report_page *page) {
    if (page->stale)
        hak_text_add(text, "STALE: owner %u frees owner %u's block", page->stale->stale_owner,
                     page->stale->number);
    else if (page->wrong_step == WRONG_EARLIER && page->story)
        hak_words_add_illegal(text, page->r, page->story, &page->wrong, page->base, page->user);
    else
        report_found_sentence(text, page);
}

/* Appends how a layer's move found the fault, by the fault. */
static void found_by_move(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *kind = hak_words_kind(facts->kind);
    const char *due = hak_words_class(page->r, facts->class_due);
    const char *found = hak_words_class(page->r, facts->class_found);
    bool popped = facts->kind != HAK_SLL_PUSH;
    switch (facts->fault) {
    case 105:
        hak_text_add(text, "%s read the link of a free block: 0x%llx, which is not a hakmem block",
                     kind, (unsigned long long)facts->link);
        return;
    case 103:
        hak_text_add(text, "%s took a pointer that no SuperSlab holds", kind);
        return;
    case 102:
        hak_text_add(text,
                     popped ? "%s found a block of %s in a list of %s"
                            : "%s put a block of %s into a list of %s",
                     kind, due, found);
        return;
    case 104:
        if (page->has_header || page->request->facts.damaged_bytes > 0)
            hak_text_add(text, "%s read no header of class %s at the popped address", kind, due);
        else
            hak_text_add(
                text,
                "%s got an address where no slot of class %s begins (no header in this layout)",
                kind, due);
        return;
    default:
        if (facts->offset != 0 && facts->found_address == page->user)
            hak_text_add(text, "%s took a user pointer instead of the base", kind);
        else if (facts->offset != 0)
            hak_text_add(
                text, "%s took a pointer %s %s the base instead of the base", kind,
                hak_words_bytes((uint64_t)(facts->offset < 0 ? -facts->offset : facts->offset)),
                facts->offset < 0 ? "before" : "past");
        else
            hak_text_add(text, "%s took a block that is %s", kind,
                         hak_words_place_sentence(facts->place));
    }
}

/* "free", "the sweep at exit", "the processor (SIGSEGV)": its finder. */
const char *report_finder(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (sweep_name(facts->found_by))
        return sweep_name(facts->found_by);
    if (facts->found_by == HAK_FOUND_BY_ACCESS)
        return "the processor";
    if (facts->found_by == HAK_FOUND_BY_LOOK)
        return report_function(page);
    if (facts->found_by == HAK_FOUND_BY_NEIGHBOUR) {
        static char words[80];
        snprintf(words, sizeof words, "%s of the block beside it", report_call(page));
        return words;
    }
    bool is_of_program = facts->kind == HAK_FREE || facts->kind == HAK_REALLOC;
    if (facts->fault == 302 && report_is_far_in_front(page) && !is_of_program)
        return facts->kind == HAK_QUARANTINE_LEAVE ? "the check of its page before it was closed"
                                                   : "the allocation about to use these bytes";
    switch (facts->kind) {
    case HAK_MALLOC:
        return "the allocation about to reuse the block";
    case HAK_QUARANTINE_LEAVE:
        return "the check of the block when it left quarantine";
    default:
        return report_call(page);
    }
}

/* "freed it": the act that the finding call was about to do on the block, or on the one beside it;
 * NULL = no call of the program found it. */
const char *report_did_to_it(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (facts->found_by == HAK_FOUND_BY_NEIGHBOUR)
        return facts->kind == HAK_FREE      ? "freed the block beside it"
               : facts->kind == HAK_REALLOC ? "resized the block beside it"
                                            : NULL;
    if (facts->found_by != HAK_FOUND_BY_CALL)
        return NULL;
    switch (facts->kind) {
    case HAK_FREE:
        return "freed it";
    case HAK_REALLOC:
    case HAK_REALLOC_FROM:
        return "resized it";
    case HAK_MALLOC:
        return facts->fault == 303 ? "allocated it again" : NULL;
    default:
        return NULL;
    }
}

/* The finder of the damage, in a crash with the signal, and how many more blocks are damaged. */
static void found_damage(struct hak_text *text, const struct report_page *page, const char *what) {
    const struct hak_fault_facts *facts = page->facts;
    hak_text_add(text, "%s", report_finder(page));
    if (facts->found_by == HAK_FOUND_BY_CRASH) {
        hak_text_add(text, " (%s", hak_words_signal(page->context.signal));
        if (report_has_address(page))
            hak_text_add(text, " at 0x%llx", (unsigned long long)page->request->signal_address);
        hak_text_add(text, ", ");
        report_cause(text, page);
        hak_text_add(text, ")");
    }
    hak_text_add(text, " found %s", what);
    if (facts->more_damaged > 0)
        hak_text_add(
            text, "; and %s",
            hak_words_count(facts->more_damaged, "more damaged block", "more damaged blocks"));
}

/* How a call of the program, or an access, found the fault. */
static void found_by_call(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *call = report_call(page);
    if (report_is_of_pool(page)) {
        report_pool_sentence(text, page);
        return;
    }
    if (report_is_access(page)) {
        report_access_sentence(text, page);
        return;
    }
    switch (facts->fault) {
    case 201:
        hak_text_add(text, "%s was given an address that is not the start of a live block", call);
        return;
    case 202:
        hak_text_add(text, "%s was given a block that was already free", call);
        if (page->base || !page->context.is_light) /* else nobody knows where it lay */
            hak_text_add(text, " (%s)", hak_words_place_sentence(facts->place));
        return;
    case 203:
        hak_text_add(text, "%s was given a block from %s", call,
                     hak_call_taken(facts->subkind & 0xff));
        return;
    case 204:
        report_given_sentence(text, page);
        return;
    case 304:
        hak_text_add(text,
                     "%s was given a pointer that is not an address; it holds the pattern that "
                     "fills this block",
                     call);
        return;
    case 301:
        found_damage(text, page, "changed bytes past the block's end");
        return;
    case 302:
        found_damage(text, page,
                     report_is_far_in_front(page) ? "changed bytes before the block"
                                                  : "a changed header before the block");
        return;
    case 303:
        found_damage(text, page, "changed bytes in the freed block");
        return;
    default:
        hak_text_add(text, "%s", page->words->meaning);
    }
}

void report_found_sentence(struct hak_text *text, const struct report_page *page) {
    if (page->layer_move)
        found_by_move(text, page);
    else
        found_by_call(text, page);
}

static const char *why_no_stack(const struct report_page *page) {
    return page->request->unwind_end == 4
               ? "a signal handler that interrupted hakmem's unwinder was running"
               : "none of the program's frames could be found";
}

/* Adds the section FIRST WRONG STEP: the event at which the right path was left, with its stack. */
static void add_wrong_step(struct hak_text *text, const struct report_page *page) {
    struct hak_thread_words thread;
    report_look_up_thread(page, page->wrong.thread, &thread);
    hak_text_add(text, "  FIRST WRONG STEP  ");
    report_when(text, page->wrong.id, page->wrong.ns, thread.number, thread.name);
    hak_text_add(text, "      ");
    report_wrong_sentence(text, page);
    hak_text_add(text, "\n");
    report_add_stack(text, &page->wrong_frames, page->layer_move, "none was kept with this event");
    if (!page->layer_move)
        report_add_source(text, page, &page->wrong_frames, CUT_SOURCE);
}

/* Whether hakmem ended the program at the fault: not the processor, and not an end of its own. */
static bool is_stopped_by_us(const struct report_page *page) {
    uint32_t found_by = page->facts->found_by;
    return page->context.stops && page->context.signal == 0 && found_by != HAK_FOUND_BY_ACCESS &&
           found_by != HAK_FOUND_BY_CRASH;
}

/* The step at which the fault was found: time, sentence, stack, source. */
static void add_found_step(struct hak_text *text, const struct report_page *page,
                           const char *heading, uint64_t event) {
    hak_text_add(text, "  %s", heading);
    hak_text_tab(text, REPORT_COLUMN);
    report_when(text, event, page->context.ns, page->context.thread_number,
                page->context.thread_name);
    hak_text_add(text, "      ");
    report_found_sentence(text, page);
    hak_text_add(text, "%s\n",
                 is_stopped_by_us(page) ? "; the program was stopped here (SIGABRT)" : "");
    if (page->cut >= CUT_STACKS && !page->layer_move)
        report_add_part(text, &page->frames, STEP_FRAMES_TIGHT, why_no_stack(page));
    else
        report_add_stack(text, &page->frames, page->layer_move, why_no_stack(page));
    if (!page->layer_move)
        report_add_source(text, page, &page->frames, CUT_SOURCE);
}

/* Adds the section WRITTEN BETWEEN: the span in which damage found later was done. */
static void add_written_between(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, "  WRITTEN BETWEEN   ");
    add_window(text, page);
    hak_text_add(text, "\n");
    if (!report_has_clean_look(page) || page->clean_frames.count == 0)
        return;
    hak_text_add(text, "  LAST CLEAN LOOK   %s\n", hak_words_time(page->context.clean_ns));
    report_add_part(text, &page->clean_frames,
                    page->cut >= CUT_STACKS ? CLEAN_TIGHT : STEP_FRAMES_TIGHT, "");
}

/* Adds the line FREED TWICE BY with both places; the record does not show which one is wrong. */
static void add_freed_twice(struct hak_text *text, const struct report_page *page) {
    struct hak_text first = {0}, second = {0};
    if (report_add_who(&first, &page->free_frames) && report_add_who(&second, &page->frames))
        hak_text_add(text, "  FREED TWICE BY    %s, then %s; one of them is wrong\n",
                     hak_text_string(&first), hak_text_string(&second));
    hak_text_free(&first);
    hak_text_free(&second);
}

/* Writes the stacks of a fault of the program's calls and accesses: first the one that stands for
 * the fault, which is the allocation's where only damage was found. */
void report_stacks(struct hak_text *text, const struct report_page *page) {
    uint64_t event = report_found_event(page);
    if (page->wrong_step == WRONG_IS_FOUND) {
        add_found_step(text, page, "FIRST WRONG STEP", page->wrong.id ? page->wrong.id : event);
        report_life_backwards(text, page);
    } else if (page->wrong_step == WRONG_EARLIER) {
        add_wrong_step(text, page);
        report_life(text, page);
        add_found_step(text, page, "FOUND", event);
    } else if (report_is_found_late(page)) {
        report_life(text, page);
        add_written_between(text, page);
        add_found_step(text, page, "FOUND", event);
    } else {
        add_found_step(text, page, "FOUND", event);
        report_life_backwards(text, page);
        if (page->facts->fault == 202)
            add_freed_twice(text, page);
    }
}

/* Writes the stacks of a fault of moves between layers: the first wrong step before the place where
 * it was noticed. */
void report_steps(struct hak_text *text, const struct report_page *page) {
    if (page->wrong_step == WRONG_IS_FOUND) {
        add_found_step(text, page, "FIRST WRONG STEP",
                       page->wrong.id ? page->wrong.id : report_found_event(page));
        report_life(text, page);
        return;
    }
    if (page->wrong_step == WRONG_EARLIER)
        add_wrong_step(text, page);
    report_life(text, page);
    add_found_step(text, page, "FOUND", report_found_event(page));
}

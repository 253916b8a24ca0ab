/* The first line of a report, which must stand alone in a log, and the pointer in words. */
#include "report/page/parts.h"

#include <string.h>
#include "check.h"
#include "hop.h"
#include "store/calls.h"
#include "superslab.h"

/* `the C3 list of thread 2 "worker"` */
static void add_list(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    unsigned class_index =
        facts->class_found != HAK_CLASS_NONE ? facts->class_found : facts->class_due;
    hak_text_add(text, "the %s list of thread %s", hak_words_class(page->r, class_index),
                 hak_words_named_thread(page->context.thread_number, page->context.thread_name));
}

/* "16 bytes past its block's base" */
static void add_offset(struct hak_text *text, int64_t offset, const char *of) {
    uint64_t size = offset < 0 ? (uint64_t)0 - (uint64_t)offset : (uint64_t)offset;
    hak_text_add(text, "%s %s %s", hak_words_bytes(size), offset < 0 ? "before" : "past", of);
}

/* The headline of a fault that a layer's move found. */
static void headline_of_move(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *kind = hak_words_kind(facts->kind);
    switch (facts->fault) {
    case 105:
        hak_text_add(
            text,
            "the link of a free block of %s points to 0x%llx, which is not a hakmem block; "
            "found by %s",
            hak_words_class(page->r, facts->class_due), (unsigned long long)facts->link, kind);
        return;
    case 103:
        hak_text_add(text, "%s got 0x%llx for ", kind, (unsigned long long)facts->found_address);
        add_list(text, page);
        hak_text_add(text, ", but it lies in no SuperSlab");
        return;
    case 102:
        add_list(text, page);
        hak_text_add(text, " %s a block of %s", facts->kind == HAK_SLL_PUSH ? "was given" : "holds",
                     hak_words_class(page->r, facts->class_due));
        if (facts->class_found != HAK_CLASS_NONE && facts->class_due != HAK_CLASS_NONE)
            hak_text_add(text, " (%s-byte slots, not %s)", hak_words_number(facts->slot_bytes),
                         hak_words_number(hak_words_slot_bytes(page->r, facts->class_found)));
        return;
    case 104:
        add_list(text, page);
        if (facts->offset != 0) {
            hak_text_add(text, " holds a pointer ");
            add_offset(text, facts->offset, "its block's base");
        } else {
            hak_text_add(text, " holds a block without its header");
        }
        return;
    default:
        if (facts->offset != 0) {
            hak_text_add(text, "%s took a pointer ", kind);
            add_offset(text, facts->offset, "its block's base");
        } else {
            hak_text_add(text, "%s took a block that is %s; expected: %s", kind,
                         hak_words_place_sentence(facts->place),
                         hak_words_allowed_from(facts->kind));
        }
    }
}

/* Adds what memory the pointer of a bad free lies in, as a clause: "which lies in the stack of its
 * thread". */
static void add_memory(struct hak_text *text, const struct report_page *page) {
    static const char *const elsewhere[] = {
        [HAK_MEMORY_STACK] = "which lies on its thread's stack",
        [HAK_MEMORY_STATIC] = "which lies in the static data of a module",
        [HAK_MEMORY_CODE] = "which lies in the code of a module",
        [HAK_MEMORY_UNMAPPED] = "where nothing is mapped",
        [HAK_MEMORY_HEAP_INTERNAL] = "which lies in a SuperSlab but in none of its blocks",
    };
    const struct hak_fault_facts *facts = page->facts;
    uint64_t found = facts->found_address;
    uint64_t due = page->user ? page->user : page->base;
    if (facts->memory == HAK_MEMORY_OTHER && page->context.is_light) {
        hak_text_add(text, "which lies in the heap and is not the start of a live block");
        return;
    }
    if (facts->memory == HAK_MEMORY_MAPPED) {
        hak_text_add(text, "which lies in ");
        if (report_is_mapped(page))
            report_add_mapping(text, page);
        else
            hak_text_add(text, "memory of no allocator");
        return;
    }
    if (facts->memory == HAK_MEMORY_HEAP_INTERNAL && !facts->superslab) {
        hak_text_add(text, "which lies in memory of the heap but in no block");
        return;
    }
    if ((facts->memory == HAK_MEMORY_STATIC || facts->memory == HAK_MEMORY_CODE) &&
        page->context.static_place[0]) {
        hak_text_add(text, "which lies in %s", page->context.static_place);
        return;
    }
    if (facts->memory < sizeof elsewhere / sizeof *elsewhere && elsewhere[facts->memory]) {
        hak_text_add(text, "%s", elsewhere[facts->memory]);
        return;
    }
    if (!page->base) {
        hak_text_add(text, "which lies in no block of this heap");
    } else if (found == due) {
        hak_text_add(text, "whose slot was never handed out");
    } else {
        add_offset(text, (int64_t)(found - due), "the start of its block");
        if (facts->memory == HAK_MEMORY_INSIDE_FREE)
            hak_text_add(text, ", which is free");
    }
}

/* ", found when parse() app.cpp:212 freed it; and 2 more damaged blocks" */
static void add_finder(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *did = report_did_to_it(page);
    struct hak_text who = {0};
    bool is_known = report_add_who(&who, &page->frames);
    if (did && is_known)
        hak_text_add(text, ", found when %s %s", hak_text_string(&who), did);
    else if (is_known && facts->found_by != HAK_FOUND_BY_EXIT)
        hak_text_add(text, ", found by %s in %s", report_finder(page), hak_text_string(&who));
    else
        hak_text_add(text, ", found by %s", report_finder(page));
    hak_text_free(&who);
    if (facts->more_damaged > 0)
        hak_text_add(
            text, "; and %s",
            hak_words_count(facts->more_damaged, "more damaged block", "more damaged blocks"));
}

/* The headline of a freed block that was written. */
static void headline_of_write_after_free(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    uint64_t span =
        facts->damaged_span > facts->damaged_bytes ? facts->damaged_span : facts->damaged_bytes;
    hak_text_add(text, "at least %s at offset %s of ", hak_words_bytes(span),
                 facts->offset < 0 ? hak_words_offset(facts->offset)
                                   : hak_words_number((uint64_t)facts->offset));
    report_add_freed_block(text, page);
    hak_text_add(text, " %s overwritten", span == 1 ? "was" : "were");
    add_finder(text, page);
}

/* The call that gives back a block made by `taken`. */
static const char *due_call(unsigned taken) {
    static const char *const calls[] = {
        [HAK_BY_NEW] = "delete",
        [HAK_BY_NEW_ARRAY] = "delete[]",
        [HAK_BY_NEW_ALIGNED] = "aligned delete",
        [HAK_BY_NEW_ARRAY_ALIGNED] = "aligned delete[]",
        [HAK_BY_POOL] = "hak_pool_free_guarded",
    };
    return taken < sizeof calls / sizeof *calls && calls[taken] ? calls[taken] : "free";
}

/* Names the call and the pointer that it was given: "calls free on 0x..., which lies on its
 * thread's stack". */
static void add_given(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *call = report_call(page);
    if (strncmp(call, "sized ", 6) == 0)
        call += 6; /* the compiler names the size, not the program's source */
    switch (facts->fault) {
    case 201:
        hak_text_add(text, "calls %s on 0x%llx, ", call, (unsigned long long)facts->found_address);
        add_memory(text, page);
        return;
    case 202:
        hak_text_add(text, "calls %s on ", call);
        report_add_freed_block(text, page);
        return;
    case 203:
        hak_text_add(text, "calls %s on ", call);
        report_add_block(text, page);
        hak_text_add(text, " from %s; expected %s", hak_call_taken(facts->subkind & 0xff),
                     due_call(facts->subkind & 0xff));
        return;
    case 204:
        hak_text_add(text, "calls ");
        report_given_sentence(text, page);
        return;
    default:
        hak_text_add(text, "calls %s on a pointer read from ", call);
        report_add_freed_block(text, page);
    }
}

/* Adds the headline of damage that was found later than it was done. */
static void headline_of_damage(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    switch (facts->fault) {
    case 301:
        hak_text_add(text, "%s%s ", report_wrote_more(facts) ? "at least " : "",
                     hak_words_bytes(facts->damaged_bytes));
        if (facts->offset > (int64_t)facts->asked_bytes) {
            hak_text_add(text, "at offset %s, ", hak_words_number((uint64_t)facts->offset));
            add_offset(text, facts->offset - (int64_t)facts->asked_bytes, "the end of ");
        } else {
            hak_text_add(text, "past ");
        }
        report_add_allocated_block(text, page);
        break;
    case 302:
        hak_text_add(text, "the %s before ", report_is_far_in_front(page) ? "memory" : "header");
        report_add_allocated_block(text, page);
        hak_text_add(text, " was overwritten");
        break;
    default:
        headline_of_write_after_free(text, page);
        return;
    }
    add_finder(text, page);
}

/* The headline of a fault in a call of the program or in an access. */
static void headline_of_call(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (report_is_of_pool(page)) {
        report_pool_headline(text, page);
    } else if (report_is_access(page)) {
        report_access_headline(text, page);
    } else if (facts->fault >= 301 && facts->fault <= 303) {
        headline_of_damage(text, page);
    } else if ((facts->fault >= 201 && facts->fault <= 204) || facts->fault == 304) {
        report_add_doer(text, page);
        hak_text_add(text, " ");
        add_given(text, page);
    } else {
        hak_text_add(text, "%s", page->words->meaning);
    }
}

/* " in parse() app.c:12": where a crash came; nothing for a wild jump, which is nowhere. */
static void add_crash_place(struct hak_text *text, const struct report_page *page) {
    struct hak_text who = {0};
    struct hak_frames frames = page->frames;
    bool is_jump = page->facts->access == HAK_ACCESS_EXECUTE;
    /* A wild jump is nowhere; its caller is the program. */
    for (; frames.count > 0 && (is_jump || !frames.frame->module[0]); is_jump = false) {
        frames.frame++;
        frames.count--;
    }
    if (report_add_who(&who, &frames))
        hak_text_add(text, " in %s", hak_text_string(&who));
    hak_text_free(&who);
}

void report_headline(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, "hakmem: ");
    if (!page->words) {
        hak_text_add(text, "%s", hak_words_signal(page->context.signal));
        add_crash_place(text, page);
        if (report_has_address(page))
            hak_text_add(text, " at address 0x%llx",
                         (unsigned long long)page->request->signal_address);
        (void)report_address_headline(text, page);
        if (page->facts->fault != 0)
            hak_text_add(text, ": fault %u, unknown to this version of hakmem", page->facts->fault);
        else
            report_ending(text, page);
        return;
    }
    hak_text_add(text, "HKM-%u %s: ", page->words->code, page->words->name);
    if (page->layer_move)
        headline_of_move(text, page);
    else
        headline_of_call(text, page);
}

/* "(C3, 48-byte slots), SuperSlab 0x..." */
static void add_slot(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    hak_text_add(text, "slot %s of slab %u (%s, %s-byte slots), SuperSlab 0x%llx",
                 hak_words_number(facts->slot), facts->slab,
                 hak_words_class(page->r, facts->class_due), hak_words_number(page->slot_bytes),
                 (unsigned long long)facts->superslab);
}

/* Names the pool that the block is of, if it is of one. */
static void add_pool(struct hak_text *text, const struct report_page *page) {
    if (!page->story || !page->story->pool[0])
        return;
    hak_text_add(text, ", in pool \"%s\"", page->story->pool);
}

/* Appends how the pointer lies to the block, as "is 16 bytes into a block of 24 bytes". */
static void add_program_place(struct hak_text *text, const struct report_page *page) {
    uint64_t found = page->facts->found_address, user = page->user ? page->user : page->base;
    if (found == user)
        hak_text_add(text, "is the start of ");
    else if (found < user)
        hak_text_add(text, "is %s before ", hak_words_bytes(user - found));
    else if (page->asked_known && found - user >= page->asked_bytes)
        hak_text_add(text, "is %s past the end of ",
                     found - user == page->asked_bytes
                         ? "just"
                         : hak_words_bytes(found - user - page->asked_bytes));
    else
        hak_text_add(text, "is %s into ", hak_words_bytes(found - user));
    if (page->asked_known)
        hak_text_add(text, "a block of %s", hak_words_bytes(page->asked_bytes));
    else
        hak_text_add(text, "a block of unknown size");
    add_pool(text, page);
    hak_text_add(text, "%s:\n", report_border_words(page));
}

void report_allocator(struct hak_text *text, const struct report_page *page) {
    const struct hak_life *life = page->life;
    if (!page->base || report_is_of_pool(page))
        return;
    hak_text_add(text, "  ALLOCATOR         ");
    if (life && life->birth.id != 0 && life->birth.place == HAK_PLACE_GUARDED) {
        hak_text_add(text, "a guarded block: pages of its own, closed around it%s\n",
                     life->end_count > 0 ? " and since it was freed" : "");
        return;
    }
    if (page->facts->superslab)
        add_slot(text, page);
    else
        hak_text_add(text, "a large block of %s (pages of its own)",
                     hak_words_bytes(page->slot_bytes));
    if (life && life->birth.id != 0)
        hak_text_add(text, "; %s", hak_words_route(&life->birth));
    if (life && life->end_count > 0)
        hak_text_add(text, ", freed %s", hak_words_route(&life->ends[0]));
    hak_text_add(text, "\n");
}

void report_pointer(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    unsigned long long found = facts->found_address;
    hak_text_add(text, "%s  The pointer      0x%llx ", page->layer_move ? "" : "\n", found);
    if (report_is_of_pool(page)) {
        report_pool_pointer(text, page);
        return;
    }
    bool is_in_heap = facts->memory == HAK_MEMORY_OTHER || facts->memory == HAK_MEMORY_SLOT_START;
    if (!page->base && page->context.is_light && is_in_heap) {
        hak_text_add(text, "lies in the heap; the block was not watched.\n");
        return;
    }
    if (!page->base && !page->layer_move) {
        hak_text_add(text, "lies in no block of the heap.\n");
        return;
    }
    if (!page->base && !facts->superslab) {
        hak_text_add(text, "lies in no SuperSlab and in no large block of this process.\n");
        return;
    }
    if (!page->base) {
        hak_text_add(text, "lies in SuperSlab 0x%llx, in none of its blocks.\n",
                     (unsigned long long)facts->superslab);
        return;
    }
    if (!page->layer_move) {
        add_program_place(text, page);
        return;
    }
    int64_t into = (int64_t)(found - page->base);
    if (into == 0)
        hak_text_add(text, "is the base of ");
    else if (into > 0)
        hak_text_add(text, "is %s into ", hak_words_bytes((uint64_t)into));
    else
        hak_text_add(text, "is %s before ", hak_words_bytes((uint64_t)-into));
    if (facts->superslab)
        add_slot(text, page);
    else
        hak_text_add(text, "a large block of %s (pages of its own)",
                     hak_words_bytes(page->slot_bytes));
    add_pool(text, page);
    hak_text_add(text, ":\n");
}

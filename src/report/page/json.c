/* The facts of a report for machines; docs/specs/output.schema.json describes the document. */
#include "report/page/parts.h"

#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include "report/words/words.h"
#include "hop.h"
#include "superslab.h"

/* The text that `say` appends, as a JSON string. */
static json_t *sentence_json(const struct report_page *page,
                             void (*say)(struct hak_text *, const struct report_page *)) {
    struct hak_text text = {0};
    say(&text, page);
    json_t *value = hak_json_text(text.bytes);
    hak_text_free(&text);
    return value;
}

/* The step at which the fault was done (`wrong`) or found, with its event and frames. */
static json_t *step_json(const struct report_page *page, bool wrong) {
    json_t *object = hak_json_object(JSON(
        "sentence", sentence_json(page, wrong ? report_wrong_sentence : report_found_sentence)));
    if (wrong && page->wrong.id != 0)
        hak_json_set(object, JSON("event", hak_json_event(page->r, &page->wrong, false)));
    return hak_json_set(object,
                        JSON("frames", hak_json_frames(wrong && page->wrong_step == WRONG_EARLIER
                                                           ? &page->wrong_frames
                                                           : &page->frames)));
}

static json_t *handler_json(const struct report_page *page) {
    struct hak_text text = {0};
    json_t *value = report_handler(&text, page) ? hak_json_text(text.bytes) : json_null();
    hak_text_free(&text);
    return value;
}

static json_t *others_json(const struct report_page *page) {
    json_t *array = json_array();
    for (int i = 0; i < HAK_REPORT_OTHERS; i++) {
        struct hak_text text = {0};
        if (report_other_thread(&text, page, i))
            json_array_append_new(array, hak_json_text(text.bytes));
        hak_text_free(&text);
    }
    return array;
}

static json_t *access_json(const struct hak_fault_facts *facts) {
    static const char *const names[] = {NULL, "read", "write", "execute"};
    return hak_json_word(names[facts->access & 3]);
}

static json_t *found_by_json(unsigned by) {
    static const char *const names[] = {[HAK_FOUND_BY_CALL] = "call",
                                        [HAK_FOUND_BY_EXIT] = "sweep at exit",
                                        [HAK_FOUND_BY_SIGNAL] = "sweep by signal",
                                        [HAK_FOUND_BY_VERIFY] = "hak_verify",
                                        [HAK_FOUND_BY_COUNT] = "sweep by count",
                                        [HAK_FOUND_BY_ACCESS] = "access",
                                        [HAK_FOUND_BY_NEIGHBOUR] = "call for a neighbour",
                                        [HAK_FOUND_BY_CRASH] = "sweep in a crash",
                                        [HAK_FOUND_BY_OPENING] = "opening of its page",
                                        [HAK_FOUND_BY_FUNCTION] = "function",
                                        [HAK_FOUND_BY_WATCH] = "watchpoint",
                                        [HAK_FOUND_BY_LATE_WATCH] = "late watchpoint",
                                        [HAK_FOUND_BY_LOOK] = "look at a function"};
    return hak_json_word(by < sizeof names / sizeof *names ? names[by] : NULL);
}

/* The function that was about to touch the bytes, and how many. */
static json_t *function_json(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (!page->words || !report_is_by_function(page))
        return json_null();
    return hak_json_object(TEXT("name", report_function(page)),
                           ADDRESS("address", facts->found_address),
                           NUMBER("bytes", facts->call_bytes),
                           FLAG("at_least", facts->call_flags & HAK_TOUCH_AT_LEAST),
                           FLAG("done", facts->call_flags & HAK_TOUCH_DONE),
                           FLAG("refused", facts->call_flags & HAK_TOUCH_REFUSED));
}

/* When a sweep last found the block, which was damaged since, whole, as JSON. */
static json_t *clean_look_json(const struct report_page *page) {
    if (!report_has_clean_look(page))
        return json_null();
    return hak_json_object(NUMBER("ns", page->context.clean_ns),
                           JSON("by", found_by_json(page->facts->clean_by)),
                           JSON("frames", hak_json_frames(&page->clean_frames)));
}

/* The kernel's mapping at the address of a crash; null where none is known. */
static json_t *mapping_json(const struct report_page *page) {
    const struct hak_report_region *region = &page->request->region;
    char path[HAK_REGION_PATH];
    if (!region->is_known || region->end <= region->start)
        return json_null();
    memcpy(path, region->path, sizeof path);
    path[sizeof path - 1] = 0;
    return hak_json_object(ADDRESS("start", region->start), ADDRESS("end", region->end),
                           FLAG("read", region->protection & PROT_READ),
                           FLAG("write", region->protection & PROT_WRITE),
                           FLAG("execute", region->protection & PROT_EXEC), TEXT("path", path));
}

static json_t *fault_json(const struct report_page *page, const char *headline,
                          const char *summary) {
    const struct hak_fault_facts *facts = page->facts;
    struct hak_text guess = {0};
    json_t *object = hak_json_object(
        JSON("code", page->words ? json_sprintf("HKM-%u", page->words->code) : json_null()),
        WORD("name", page->words ? page->words->name : "crash"), TEXT("headline", headline),
        TEXT("summary", summary), WORD("fingerprint", page->fingerprint),
        NUMBER("event", report_found_event(page)), NUMBER("ns", page->context.ns),
        NUMBER("process", page->context.process),
        JSON("thread", hak_json_thread(page->context.thread, page->context.thread_number,
                                       page->context.thread_name)));
    struct hak_creations creations;
    report_load_creations(&creations, page);
    hak_json_set(object, JSON("threads", hak_creations_json(&creations)));
    hak_creations_free(&creations);
    hak_json_set(
        object,
        JSON("signal",
             hak_json_word(page->context.signal ? hak_words_signal(page->context.signal) : NULL)),
        JSON("address", page->words                ? hak_json_address(facts->found_address)
                        : report_has_address(page) ? hak_json_address(page->request->signal_address)
                                                   : json_null()),
        JSON("cause", page->words ? json_null() : sentence_json(page, report_cause)),
        JSON("handler", handler_json(page)), JSON("others", others_json(page)),
        JSON("hop", hak_json_word(page->words ? report_hop(page) : NULL)),
        JSON("offset", report_has_offset(page) ? json_integer(facts->offset) : json_null()),
        JSON("class_found", hak_json_class(page->r, facts->class_found)),
        JSON("class_due", hak_json_class(page->r, facts->class_due)),
        NUMBER("damaged_bytes", facts->damaged_bytes),
        JSON("first_wrong_step", page->words && page->wrong_step != WRONG_UNKNOWN
                                     ? step_json(page, true)
                                     : json_null()),
        JSON("found", page->words ? step_json(page, false) : json_null()),
        JSON("frames", hak_json_frames(&page->frames)),
        JSON("allocated", hak_json_frames(&page->alloc_frames)),
        JSON("freed", hak_json_frames(&page->free_frames)), JSON("access", access_json(facts)),
        JSON("instruction", report_instruction_json(page)),
        JSON("registers", report_registers_json(page)), JSON("function", function_json(page)),
        JSON("found_by", page->words ? found_by_json(facts->found_by) : json_null()),
        JSON("clean_look", clean_look_json(page)), JSON("mapping", mapping_json(page)));
    if (page->words && report_is_of_pool(page))
        hak_json_set(object, JSON("pool", report_pool_json(page)));
    bool guessed = report_guess(&guess, page);
    hak_json_set(object, JSON("guess", guessed ? hak_json_text(guess.bytes) : json_null()),
                 TEXT("store", page->context.store_path));
    hak_text_free(&guess);
    return object;
}

/* The block as JSON; null for a crash or where no block is known. */
static json_t *block_json(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (!page->words || !page->base)
        return json_null();
    return hak_json_object(
        ADDRESS("base", page->base), ADDRESS("user", page->user),
        KNOWN("asked_bytes", page->asked_known, page->asked_bytes),
        NUMBER("slot_bytes", page->slot_bytes),
        JSON("class", hak_json_class(page->r, facts->class_due)),
        ADDRESS("superslab", facts->superslab), NUMBER("slab", facts->slab),
        NUMBER("slot", facts->slot),
        JSON("place",
             hak_json_word(report_is_of_pool(page) ? NULL : hak_words_place(facts->place))));
}

static json_t *completeness_json(const struct report_page *page) {
    struct hak_text text = {0};
    json_t *object = json_object();
    report_completeness(&text, page);
    /* The part behind its heading, without the newline. */
    size_t skip = sizeof "  COMPLETENESS      " - 1;
    bool whole = text.bytes && text.length > skip;
    if (whole)
        text.bytes[text.length - 1] = '\0';
    hak_json_set(
        object, TEXT("sentence", whole ? text.bytes + skip : ""),
        NUMBER("lost_events", page->story ? (json_int_t)page->story->lost_events : 0),
        NUMBER("unreported_before", (json_int_t)page->request->unreported_before),
        FLAG("store_readable", page->r && !page->trouble[0]),
        FLAG("stack_whole", (page->request->unwind_end <= 1 || page->request->unwind_end == 5) &&
                                page->frames.count > 0),
        JSON("guarded", hak_coverage_json(&page->context.coverage)));
    hak_json_set_missed(object, &page->context.missed);
    hak_text_free(&text);
    return object;
}

char *report_json(const struct report_page *page, const char *headline, const char *summary) {
    json_t *document = hak_json_object(
        NUMBER("hakmem_json", 1), JSON("fault", fault_json(page, headline, summary)),
        JSON("block", block_json(page)), JSON("lives", hak_json_lives(page->r, page->story, true)),
        JSON("completeness", completeness_json(page)));
    return hak_json_print(document);
}

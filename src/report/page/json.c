/* The facts of a report for machines; docs/specs/output.schema.json describes the document. */
#include "report/page/parts.h"

#include <string.h>
#include <sys/mman.h>
#include "report/words/words.h"
#include "hop.h"
#include "superslab.h"

static json_t *sentence_json(const struct report_page *page,
                             void (*say)(struct hak_text *, const struct report_page *)) {
    struct hak_text text = {0};
    say(&text, page);
    json_t *value = hak_json_text(text.bytes);
    hak_text_free(&text);
    return value;
}

static json_t *step_json(const struct report_page *page, bool wrong) {
    json_t *object = json_object();
    json_object_set_new(object, "sentence",
                        sentence_json(page, wrong ? report_wrong_sentence : report_found_sentence));
    if (wrong && page->wrong.id != 0)
        json_object_set_new(object, "event", hak_json_event(page->r, &page->wrong, false));
    json_object_set_new(object, "frames",
                        hak_json_frames(wrong && page->wrong_step == WRONG_EARLIER
                                            ? &page->wrong_frames
                                            : &page->frames));
    return object;
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
        if (report_other(&text, page, i))
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
                                        [HAK_FOUND_BY_LATE_WATCH] = "late watchpoint"};
    return hak_json_word(by < sizeof names / sizeof *names ? names[by] : NULL);
}

/* The function that was about to touch the bytes, and how many. */
static json_t *function_json(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (!page->words || !report_is_by_function(page))
        return json_null();
    json_t *object = json_object();
    hak_json_set_text(object, "name", report_function(page));
    hak_json_set_address(object, "address", facts->found_address);
    hak_json_set_number(object, "bytes", facts->call_bytes);
    hak_json_set_flag(object, "at_least", facts->call_flags & HAK_TOUCH_AT_LEAST);
    hak_json_set_flag(object, "done", facts->call_flags & HAK_TOUCH_DONE);
    return object;
}

/* When a sweep last found the block whole that was damaged since. */
static json_t *clean_look_json(const struct report_page *page) {
    if (!report_has_clean_look(page))
        return json_null();
    json_t *object = json_object();
    hak_json_set_number(object, "ns", page->context.clean_ns);
    json_object_set_new(object, "by", found_by_json(page->facts->clean_by));
    json_object_set_new(object, "frames", hak_json_frames(&page->clean_frames));
    return object;
}

/* The kernel's mapping at the address of a crash. */
static json_t *mapping_json(const struct report_page *page) {
    const struct hak_report_region *region = &page->request->region;
    char path[HAK_REGION_PATH];
    if (!region->is_known || region->end <= region->start)
        return json_null();
    memcpy(path, region->path, sizeof path);
    path[sizeof path - 1] = 0;
    json_t *object = json_object();
    hak_json_set_address(object, "start", region->start);
    hak_json_set_address(object, "end", region->end);
    hak_json_set_flag(object, "read", region->protection & PROT_READ);
    hak_json_set_flag(object, "write", region->protection & PROT_WRITE);
    hak_json_set_flag(object, "execute", region->protection & PROT_EXEC);
    hak_json_set_text(object, "path", path);
    return object;
}

static json_t *fault_json(const struct report_page *page, const char *headline,
                          const char *summary) {
    const struct hak_fault_facts *facts = page->facts;
    struct hak_text guess = {0};
    json_t *object = json_object();
    json_object_set_new(object, "code",
                        page->words ? json_sprintf("HKM-%u", page->words->code) : json_null());
    json_object_set_new(object, "name", json_string(page->words ? page->words->name : "crash"));
    hak_json_set_text(object, "headline", headline);
    hak_json_set_text(object, "summary", summary);
    json_object_set_new(object, "fingerprint", json_string(page->fingerprint));
    hak_json_set_number(object, "event", report_found_event(page));
    hak_json_set_number(object, "ns", page->context.ns);
    hak_json_set_number(object, "process", page->context.process);
    json_object_set_new(object, "thread",
                        hak_json_thread(page->context.thread, page->context.thread_number,
                                        page->context.thread_name));
    struct hak_creations creations;
    report_load_creations(&creations, page);
    json_object_set_new(object, "threads", hak_creations_json(&creations));
    hak_creations_free(&creations);
    json_object_set_new(
        object, "signal",
        hak_json_word(page->context.signal ? hak_words_signal(page->context.signal) : NULL));
    json_object_set_new(object, "address",
                        page->words                ? hak_json_address(facts->found_address)
                        : report_has_address(page) ? hak_json_address(page->request->signal_address)
                                                   : json_null());
    json_object_set_new(object, "cause",
                        page->words ? json_null() : sentence_json(page, report_cause));
    json_object_set_new(object, "handler", handler_json(page));
    json_object_set_new(object, "others", others_json(page));
    json_object_set_new(object, "hop", hak_json_word(page->words ? report_hop(page) : NULL));
    json_object_set_new(object, "offset",
                        report_has_offset(page) ? json_integer(facts->offset) : json_null());
    json_object_set_new(object, "class_found", hak_json_class(page->r, facts->class_found));
    json_object_set_new(object, "class_due", hak_json_class(page->r, facts->class_due));
    hak_json_set_number(object, "damaged_bytes", facts->damaged_bytes);
    json_object_set_new(object, "first_wrong_step",
                        page->words && page->wrong_step != WRONG_UNKNOWN ? step_json(page, true)
                                                                         : json_null());
    json_object_set_new(object, "found", page->words ? step_json(page, false) : json_null());
    json_object_set_new(object, "frames", hak_json_frames(&page->frames));
    json_object_set_new(object, "allocated", hak_json_frames(&page->alloc_frames));
    json_object_set_new(object, "freed", hak_json_frames(&page->free_frames));
    json_object_set_new(object, "access", access_json(facts));
    json_object_set_new(object, "instruction", report_instruction_json(page));
    json_object_set_new(object, "registers", report_registers_json(page));
    json_object_set_new(object, "function", function_json(page));
    json_object_set_new(object, "found_by",
                        page->words ? found_by_json(facts->found_by) : json_null());
    json_object_set_new(object, "clean_look", clean_look_json(page));
    json_object_set_new(object, "mapping", mapping_json(page));
    bool guessed = report_guess(&guess, page);
    json_object_set_new(object, "guess", guessed ? hak_json_text(guess.bytes) : json_null());
    hak_json_set_text(object, "store", page->context.store_path);
    hak_text_free(&guess);
    return object;
}

static json_t *block_json(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (!page->words || !page->base)
        return json_null();
    json_t *object = json_object();
    hak_json_set_address(object, "base", page->base);
    hak_json_set_address(object, "user", page->user);
    hak_json_set_known(object, "asked_bytes", page->asked_known, page->asked_bytes);
    hak_json_set_number(object, "slot_bytes", page->slot_bytes);
    json_object_set_new(object, "class", hak_json_class(page->r, facts->class_due));
    hak_json_set_address(object, "superslab", facts->superslab);
    hak_json_set_number(object, "slab", facts->slab);
    hak_json_set_number(object, "slot", facts->slot);
    json_object_set_new(object, "place", json_string(hak_words_place(facts->place)));
    return object;
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
    hak_json_set_text(object, "sentence", whole ? text.bytes + skip : "");
    hak_json_set_number(object, "lost_events",
                        page->story ? (json_int_t)page->story->lost_events : 0);
    hak_json_set_number(object, "unreported_before", (json_int_t)page->request->unreported_before);
    hak_json_set_flag(object, "store_readable", page->r && !page->trouble[0]);
    hak_json_set_flag(object, "stack_whole",
                      (page->request->unwind_end <= 1 || page->request->unwind_end == 5) &&
                          page->frames.count > 0);
    hak_text_free(&text);
    return object;
}

char *report_json(const struct report_page *page, const char *headline, const char *summary) {
    json_t *document = json_object();
    hak_json_set_number(document, "hakmem_json", 1);
    json_object_set_new(document, "fault", fault_json(page, headline, summary));
    json_object_set_new(document, "block", block_json(page));
    json_object_set_new(document, "lives", hak_json_lives(page->r, page->story, true));
    json_object_set_new(document, "completeness", completeness_json(page));
    return hak_json_print(document);
}

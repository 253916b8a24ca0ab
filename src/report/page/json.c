/* The facts of a report for machines; docs/specs/output.schema.json describes the document. */
#include "report/page/parts.h"

#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include "report/words/words.h"
#include "hop.h"
#include "superslab.h"

static json_t *class_json(const struct report_page *page, unsigned class_index) {
    if (class_index >= HAK_CLASS_NONE)
        return json_null();
    return json_string(hak_words_class(page->r, class_index));
}

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

static json_t *thread_json(const struct report_page *page) {
    json_t *object = json_object();
    json_object_set_new(object, "id", json_integer(page->context.thread));
    json_object_set_new(object, "number", json_integer(page->context.thread_number));
    json_object_set_new(object, "name", hak_json_text(page->context.thread_name));
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
    const char *name = names[facts->access & 3];
    return name ? json_string(name) : json_null();
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
                                        [HAK_FOUND_BY_OPENING] = "opening of its page"};
    return by < sizeof names / sizeof *names ? json_string(names[by]) : json_null();
}

/* When a sweep last found the block whole that was damaged since. */
static json_t *clean_look_json(const struct report_page *page) {
    if (!report_has_clean_look(page))
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "ns", json_integer((json_int_t)page->context.clean_ns));
    json_object_set_new(object, "by", found_by_json(page->facts->clean_by));
    json_object_set_new(object, "frames", hak_json_frames(&page->clean_frames));
    return object;
}

/* What the kernel had mapped at the address of a crash. */
static json_t *mapping_json(const struct report_page *page) {
    const struct hak_report_region *region = &page->request->region;
    char path[HAK_REGION_PATH];
    if (!region->is_known || region->end <= region->start)
        return json_null();
    memcpy(path, region->path, sizeof path);
    path[sizeof path - 1] = 0;
    json_t *object = json_object();
    json_object_set_new(object, "start", hak_json_address(region->start));
    json_object_set_new(object, "end", hak_json_address(region->end));
    json_object_set_new(object, "read", json_boolean(region->protection & PROT_READ));
    json_object_set_new(object, "write", json_boolean(region->protection & PROT_WRITE));
    json_object_set_new(object, "execute", json_boolean(region->protection & PROT_EXEC));
    json_object_set_new(object, "path", hak_json_text(path));
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
    json_object_set_new(object, "headline", hak_json_text(headline));
    json_object_set_new(object, "summary", hak_json_text(summary));
    json_object_set_new(object, "fingerprint", json_string(page->fingerprint));
    json_object_set_new(object, "event", json_integer((json_int_t)report_found_event(page)));
    json_object_set_new(object, "ns", json_integer((json_int_t)page->context.ns));
    json_object_set_new(object, "process", json_integer(page->context.process));
    json_object_set_new(object, "thread", thread_json(page));
    struct hak_creations creations;
    report_load_creations(&creations, page);
    json_object_set_new(object, "threads", hak_creations_json(&creations));
    hak_creations_free(&creations);
    json_object_set_new(object, "signal",
                        page->context.signal ? json_string(hak_words_signal(page->context.signal))
                                             : json_null());
    json_object_set_new(object, "address",
                        page->words                ? hak_json_address(facts->found_address)
                        : report_has_address(page) ? hak_json_address(page->request->signal_address)
                                                   : json_null());
    json_object_set_new(object, "cause",
                        page->words ? json_null() : sentence_json(page, report_cause));
    json_object_set_new(object, "handler", handler_json(page));
    json_object_set_new(object, "others", others_json(page));
    json_object_set_new(object, "hop", page->words ? json_string(report_hop(page)) : json_null());
    json_object_set_new(object, "offset", json_integer(facts->offset));
    json_object_set_new(object, "class_found", class_json(page, facts->class_found));
    json_object_set_new(object, "class_due", class_json(page, facts->class_due));
    json_object_set_new(object, "damaged_bytes", json_integer(facts->damaged_bytes));
    json_object_set_new(object, "first_wrong_step",
                        page->words && page->wrong_step != WRONG_UNKNOWN ? step_json(page, true)
                                                                         : json_null());
    json_object_set_new(object, "found", page->words ? step_json(page, false) : json_null());
    json_object_set_new(object, "frames", hak_json_frames(&page->frames));
    json_object_set_new(object, "allocated", hak_json_frames(&page->alloc_frames));
    json_object_set_new(object, "freed", hak_json_frames(&page->free_frames));
    json_object_set_new(object, "access", access_json(facts));
    json_object_set_new(object, "found_by",
                        page->words ? found_by_json(facts->found_by) : json_null());
    json_object_set_new(object, "clean_look", clean_look_json(page));
    json_object_set_new(object, "mapping", mapping_json(page));
    bool guessed = report_guess(&guess, page);
    json_object_set_new(object, "guess", guessed ? hak_json_text(guess.bytes) : json_null());
    json_object_set_new(object, "store", hak_json_text(page->context.store_path));
    hak_text_free(&guess);
    return object;
}

static json_t *block_json(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (!page->words || !page->base)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "base", hak_json_address(page->base));
    json_object_set_new(object, "user", hak_json_address(page->user));
    json_object_set_new(object, "asked_bytes",
                        page->asked_known ? json_integer((json_int_t)page->asked_bytes)
                                          : json_null());
    json_object_set_new(object, "slot_bytes", json_integer((json_int_t)page->slot_bytes));
    json_object_set_new(object, "class", class_json(page, facts->class_due));
    json_object_set_new(object, "superslab", hak_json_address(facts->superslab));
    json_object_set_new(object, "slab", json_integer(facts->slab));
    json_object_set_new(object, "slot", json_integer(facts->slot));
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
    json_object_set_new(object, "sentence", hak_json_text(whole ? text.bytes + skip : ""));
    json_object_set_new(object, "lost_events",
                        json_integer(page->story ? (json_int_t)page->story->lost_events : 0));
    json_object_set_new(object, "store_readable", json_boolean(page->r && !page->trouble[0]));
    json_object_set_new(
        object, "stack_whole",
        json_boolean((page->request->unwind_end <= 1 || page->request->unwind_end == 5) &&
                     page->frames.count > 0));
    hak_text_free(&text);
    return object;
}

char *report_json(const struct report_page *page, const char *headline, const char *summary) {
    json_t *document = json_object();
    json_object_set_new(document, "hakmem_json", json_integer(1));
    json_object_set_new(document, "fault", fault_json(page, headline, summary));
    json_object_set_new(document, "block", block_json(page));
    json_object_set_new(document, "lives", hak_json_lives(page->r, page->story, true));
    json_object_set_new(document, "completeness", completeness_json(page));
    return hak_json_print(document);
}

/* From a fault's row to the calls of its block and to the faulty step. The report has what the
 * step was: a call with its pointer, an access with its offset, or damage that was found later. */
#include "viewer/reduce/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "report/words/words.h"

/* Allocations after which a freed block has left the quarantine and is handed out again. */
enum { REUSES = 100000, COOKIE_BYTES = 8, ELEMENT_BYTES = 4, SIBLINGS = 16 };

static const json_t *fault_of(const struct reduction *r) {
    return json_object_get(r->document, "fault");
}

static int64_t number_of(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

/* The life in which the fault happened. */
static const json_t *life_of(const struct reduction *r) {
    const json_t *lives = json_object_get(r->document, "lives");
    return json_array_get(lives, json_array_size(lives) - 1);
}

bool fault_has_life(const struct reduction *r) {
    return json_array_size(json_object_get(r->document, "lives")) > 0;
}

int fault_read(struct reduction *r, uint32_t row) {
    unsigned code = 0;
    struct hak_query q =
        hak_ask(hak_store_database(r->view->reader),
                "SELECT code, event, process, json FROM fault WHERE id = ?1", "the faults", row);
    bool is_there = hak_query_next(&q);
    if (is_there) {
        code = (unsigned)hak_query_number(&q, 0);
        r->event = hak_query_number(&q, 1);
        r->process = (uint32_t)hak_query_number(&q, 2);
        r->document = json_loads(hak_query_text(&q, 3), 0, NULL);
    }
    int error = hak_query_end(&q);
    if (error < 0)
        return view_store_error(r->view, error);
    if (is_there && !fault_of(r)) {
        view_error("reduce: fault %u of %s has no report to go by", row, r->view->store_path);
        return VIEW_INCOMPLETE;
    }
    if (!is_there) {
        view_error("reduce: no fault %u: %s holds %s", row, r->view->store_path,
                   hak_words_count(r->view->summary.faults, "fault", "faults"));
        return VIEW_USAGE;
    }
    if (code == 0 && !r->check) {
        view_error("reduce --fault %u: it is a crash that no check of the heap explains; --check "
                   "CMD reduces it by a test of your own",
                   row);
        return VIEW_USAGE;
    }
    place_read(&r->wanted, code, hak_json_string(fault_of(r), "summary"));
    if (code == POOL_ILLEGAL_MOVE)
        place_read_from(&r->wanted, hak_json_string(json_object_get(fault_of(r), "pool"), "from"));
    if (!r->wanted.hop[0] && !r->check) {
        view_error("reduce --fault %u: its report does not say where it was found (hop=)", row);
        return VIEW_INCOMPLETE;
    }
    return 0;
}

bool fault_needs_strings(const struct reduction *r) {
    const char *by = hak_json_string(fault_of(r), "found_by");
    return strstr(by, "function") != NULL;
}

void fault_take_function(struct step *step, const json_t *frames) {
    const json_t *frame;
    step->function[0] = '\0';
    for (size_t i = 0; (frame = json_array_get(frames, i)); i++) {
        const char *module = hak_json_string(frame, "module");
        if (json_is_true(json_object_get(frame, "hakmem")) || strstr(module, "/libc.so") ||
            strstr(module, "/ld-linux"))
            continue;
        snprintf(step->function, sizeof step->function, "%s", hak_json_string(frame, "function"));
        return;
    }
}

static uint32_t thread_of(const json_t *object) {
    int64_t number = number_of(json_object_get(object, "thread"), "number");
    return number > 0 ? (uint32_t)number : 1;
}

enum sequence_verb verb_of_birth(unsigned subkind) {
    static const enum sequence_verb by[] = {
        [HAK_BY_MALLOC] = SEQUENCE_MALLOC,
        [HAK_BY_CALLOC] = SEQUENCE_CALLOC,
        [HAK_BY_ALIGNED] = SEQUENCE_ALIGNED,
        [HAK_BY_REALLOC] = SEQUENCE_MALLOC,
        [HAK_BY_NEW] = SEQUENCE_NEW,
        [HAK_BY_NEW_ARRAY] = SEQUENCE_NEW_ARRAY,
        [HAK_BY_NEW_ALIGNED] = SEQUENCE_NEW_ALIGNED,
        [HAK_BY_NEW_ARRAY_ALIGNED] = SEQUENCE_NEW_ARRAY_ALIGNED,
    };
    return subkind < sizeof by / sizeof *by ? by[subkind] : SEQUENCE_MALLOC;
}

bool verb_is_aligned(enum sequence_verb verb) {
    return verb == SEQUENCE_ALIGNED || verb == SEQUENCE_NEW_ALIGNED ||
           verb == SEQUENCE_NEW_ARRAY_ALIGNED;
}

int64_t alignment_of(uint64_t address) {
    int64_t alignment = (int64_t)(address & -address & 4095);
    return alignment ? alignment : 4096;
}

/* The verb of an allocation, from its event. */
static enum sequence_verb verb_of_birth_event(const struct reduction *r, const json_t *birth) {
    struct hak_event e;
    uint64_t id = (uint64_t)number_of(birth, "id");
    if (!id || hak_store_event(r->view->reader, id, &e) <= 0)
        return SEQUENCE_MALLOC;
    return verb_of_birth(e.subkind);
}

/* The end that fits. */
static struct sequence_step end_of(const struct sequence_step *birth, uint32_t thread) {
    struct sequence_step end = {.thread = thread, .block = birth->block, .verb = SEQUENCE_FREE};
    if (birth->verb == SEQUENCE_NEW)
        end.verb = SEQUENCE_DELETE;
    else if (birth->verb == SEQUENCE_NEW_ARRAY)
        end.verb = SEQUENCE_DELETE_ARRAY;
    else if (birth->verb == SEQUENCE_NEW_ALIGNED || birth->verb == SEQUENCE_NEW_ARRAY_ALIGNED) {
        end.verb = birth->verb == SEQUENCE_NEW_ALIGNED ? SEQUENCE_DELETE_ALIGNED
                                                       : SEQUENCE_DELETE_ARRAY_ALIGNED;
        end.b = birth->b;
    }
    return end;
}

/* Adds blocks like the first one of `of`. */
static bool add_siblings(struct sequence *out, const struct step *of, uint32_t first) {
    struct step step = *of;
    for (uint32_t i = 0; i < SIBLINGS; i++) {
        step.made.block = first + i;
        if (!sequence_add(out, &step))
            return false;
    }
    return true;
}

bool fault_add_beside(const struct sequence *alone, struct sequence *out) {
    for (uint32_t i = 0; i < alone->count; i++)
        if ((i == 0 && !add_siblings(out, &alone->step[0], 2)) ||
            !sequence_add(out, &alone->step[i]) ||
            (i == 0 && !add_siblings(out, &alone->step[0], 2 + SIBLINGS)))
            return false;
    return true;
}

bool fault_add_block(const struct reduction *r, struct sequence *out) {
    const json_t *life = life_of(r), *birth = json_object_get(life, "birth");
    const json_t *resize, *end;
    size_t i;
    if (!json_is_object(birth))
        return true;
    struct step step = {.made = {.thread = thread_of(birth), .block = 1}};
    step.made.verb = verb_of_birth_event(r, birth);
    step.made.a = number_of(birth, "size");
    if (verb_is_aligned(step.made.verb))
        step.made.b = alignment_of(strtoull(hak_json_string(birth, "address"), NULL, 16));
    const struct sequence_step born = step.made;
    fault_take_function(&step, json_object_get(birth, "frames"));
    if (!sequence_add(out, &step))
        return false;
    for (i = 0; (resize = json_array_get(json_object_get(life, "resizes"), i)); i++) {
        step = (struct step){.made = {.thread = thread_of(resize),
                                      .block = 1,
                                      .verb = SEQUENCE_REALLOC,
                                      .b = number_of(resize, "size")}};
        fault_take_function(&step, json_object_get(resize, "frames"));
        if (!sequence_add(out, &step))
            return false;
    }
    bool has_end = false;
    for (i = 0; (end = json_array_get(json_object_get(life, "ends"), i)); i++) {
        if (json_is_true(json_object_get(end, "illegal")) || has_end)
            continue;
        step = (struct step){.made = end_of(&born, thread_of(end))};
        fault_take_function(&step, json_object_get(end, "frames"));
        has_end = true;
        if (!sequence_add(out, &step))
            return false;
    }
    unsigned code = r->wanted.code;
    bool needs_end = code == DOUBLE_FREE || code == WRITE_AFTER_FREE || code == USE_AFTER_FREE;
    step = (struct step){.made = end_of(&born, thread_of(fault_of(r)))};
    return has_end || !needs_end || sequence_add(out, &step);
}

/* The number behind a word of the sentence, "about to read 100 bytes"; 0 = there is none. */
static int64_t bytes_of(const char *sentence) {
    const char *end = strstr(sentence, " byte");
    while (end && end > sentence && end[-1] >= '0' && end[-1] <= '9')
        end--;
    int64_t bytes = end ? strtoll(end, NULL, 10) : 0;
    return bytes < SEQUENCE_BESIDE_BYTES ? bytes : SEQUENCE_BESIDE_BYTES;
}

/* The call that gave the block back in the wrong way: the outermost frame of hakmem. */
static void take_wrong_call(const struct reduction *r, struct sequence_step *to) {
    static const struct {
        const char *function;
        enum sequence_verb verb;
    } calls[] = {
        {"operator delete(void*)", SEQUENCE_DELETE},
        {"operator delete[](void*)", SEQUENCE_DELETE_ARRAY},
        {"operator delete(void*, unsigned long)", SEQUENCE_DELETE_SIZED},
        {"operator delete[](void*, unsigned long)", SEQUENCE_DELETE_ARRAY_SIZED},
        {"operator delete(void*, std::align_val_t)", SEQUENCE_DELETE_ALIGNED},
        {"operator delete[](void*, std::align_val_t)", SEQUENCE_DELETE_ARRAY_ALIGNED},
        {"operator delete(void*, unsigned long, std::align_val_t)", SEQUENCE_DELETE_ALIGNED},
        {"operator delete[](void*, unsigned long, std::align_val_t)",
         SEQUENCE_DELETE_ARRAY_ALIGNED},
        {"_ZdlPvSt11align_val_t", SEQUENCE_DELETE_ALIGNED},
        {"_ZdaPvSt11align_val_t", SEQUENCE_DELETE_ARRAY_ALIGNED},
        {"_ZdlPvmSt11align_val_t", SEQUENCE_DELETE_ALIGNED},
        {"_ZdaPvmSt11align_val_t", SEQUENCE_DELETE_ARRAY_ALIGNED},
        {"_ZdlPv", SEQUENCE_DELETE},
        {"_ZdaPv", SEQUENCE_DELETE_ARRAY},
        {"_ZdlPvm", SEQUENCE_DELETE_SIZED},
        {"_ZdaPvm", SEQUENCE_DELETE_ARRAY_SIZED},
    };
    const json_t *frames = json_object_get(json_object_get(fault_of(r), "found"), "frames");
    const json_t *frame;
    const char *function = "";
    size_t i;
    for (i = 0; (frame = json_array_get(frames, i)); i++)
        if (json_is_true(json_object_get(frame, "hakmem")))
            function = hak_json_string(frame, "function");
    to->verb = strcmp(r->wanted.hop, "REALLOC") == 0 ? SEQUENCE_REALLOC : SEQUENCE_FREE;
    for (i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].function, function) == 0)
            to->verb = calls[i].verb;
    const char *sentence = hak_json_string(json_object_get(fault_of(r), "found"), "sentence");
    const char *size = strstr(sentence, "with size ");
    const char *alignment = strstr(sentence, "with alignment ");
    bool is_aligned =
        to->verb == SEQUENCE_DELETE_ALIGNED || to->verb == SEQUENCE_DELETE_ARRAY_ALIGNED;
    to->b = is_aligned ? alignment ? strtoll(alignment + 15, NULL, 10) : 16
            : size     ? strtoll(size + 10, NULL, 10)
            : to->verb == SEQUENCE_REALLOC
                ? 64
                : number_of(json_object_get(r->document, "block"), "asked_bytes");
    if (to->verb == SEQUENCE_FREE || to->verb == SEQUENCE_DELETE ||
        to->verb == SEQUENCE_DELETE_ARRAY)
        to->b = 0;
}

/* An access that was caught as it was made. */
static void take_access(const struct reduction *r, struct sequence_step *to) {
    const json_t *fault = fault_of(r);
    const json_t *called = json_object_get(fault, "function");
    const char *function = json_is_object(called) ? hak_json_string(called, "name")
                                                  : hak_json_string(fault, "function");
    const char *sentence = hak_json_string(json_object_get(fault, "found"), "sentence");
    bool is_read = strcmp(hak_json_string(fault, "access"), "read") == 0;
    to->a = number_of(fault, "offset");
    if (strcmp(function, "malloc_usable_size") == 0)
        to->verb = SEQUENCE_USABLE;
    else if (function[0]) {
        to->verb = is_read ? SEQUENCE_COPY_OUT : SEQUENCE_COPY_IN;
        to->b = bytes_of(sentence);
        int64_t asked = number_of(json_object_get(r->document, "block"), "asked_bytes");
        if (r->wanted.code == HEAP_BUFFER_OVERFLOW && to->a + to->b <= asked)
            to->b = asked - to->a + 1;
        to->b = to->b < 1 ? 1 : to->b < SEQUENCE_BESIDE_BYTES ? to->b : SEQUENCE_BESIDE_BYTES;
    } else if (strcmp(r->wanted.hop, "ACCESS") == 0) {
        to->verb = SEQUENCE_FOLLOW;
        if (r->wanted.code == USE_AFTER_FREE)
            to->a = 0; /* each word holds the pattern */
    } else {
        to->verb = is_read ? SEQUENCE_READ : SEQUENCE_WRITE;
        to->b = is_read ? 0 : number_of(fault, "damaged_bytes") + 1; /* up to the closed page */
    }
}

/* Damage, and then what found it. */
static bool add_damage(const struct reduction *r, struct sequence *out, struct step step) {
    const json_t *fault = fault_of(r);
    int64_t bytes = number_of(fault, "damaged_bytes"), offset = number_of(fault, "offset");
    int64_t asked = number_of(json_object_get(r->document, "block"), "asked_bytes");
    step.made.verb = SEQUENCE_WRITE;
    step.made.a = offset;
    step.made.b = bytes > 0 ? bytes : 1;
    snprintf(step.function, sizeof step.function, "damage"); /* the writer is not known */
    if (!sequence_add(out, &step))
        return false;
    if (strcmp(r->wanted.hop, "SWEEP") == 0)
        return true;
    step.made.a = 0;
    step.made.b = 0;
    step.made.verb = SEQUENCE_FREE;
    fault_take_function(&step, json_object_get(json_object_get(fault, "found"), "frames"));
    if (strcmp(r->wanted.hop, "REALLOC") == 0) {
        step.made.verb = SEQUENCE_REALLOC;
        step.made.b = 2 * asked + 1;
    } else if (strcmp(r->wanted.hop, "LOOK") == 0) {
        step.made.verb = SEQUENCE_COPY_IN;
        step.made.b = asked < SEQUENCE_BESIDE_BYTES ? asked : SEQUENCE_BESIDE_BYTES;
    } else if (strcmp(r->wanted.hop, "MALLOC") == 0) {
        step.made = (struct sequence_step){
            .thread = step.made.thread, .verb = SEQUENCE_CHURN, .a = asked, .b = REUSES};
    }
    return sequence_add(out, &step);
}

bool fault_add_steps(const struct reduction *r, struct sequence *out, uint32_t block) {
    const json_t *fault = fault_of(r);
    struct step step = {.made = {.thread = thread_of(fault), .block = block}};
    const char *by = hak_json_string(fault, "found_by");
    if (r->wanted.code < BAD_FREE)
        return true; /* the layers' own */
    fault_take_function(&step, json_object_get(json_object_get(fault, "found"), "frames"));
    if (r->wanted.code == BAD_FREE || r->wanted.code == DOUBLE_FREE ||
        r->wanted.code == ALLOC_DEALLOC_MISMATCH || r->wanted.code == NEW_DELETE_TYPE_MISMATCH) {
        take_wrong_call(r, &step.made);
        step.made.a = number_of(fault, "offset");
        if (r->wanted.code == BAD_FREE && step.made.block == 0)
            step.made.a = 64;
        if (r->wanted.code > DOUBLE_FREE && step.made.a == COOKIE_BYTES) { /* of new[] */
            int64_t asked = number_of(json_object_get(r->document, "block"), "asked_bytes");
            struct step count = step;
            count.made.verb = SEQUENCE_COUNT;
            count.made.a = 0;
            count.made.b = (asked - COOKIE_BYTES) / ELEMENT_BYTES;
            if (!sequence_add(out, &count))
                return false;
        }
        return sequence_add(out, &step);
    }
    if (strcmp(by, "access") == 0 || strcmp(by, "function") == 0) {
        take_access(r, &step.made);
        return sequence_add(out, &step);
    }
    return add_damage(r, out, step);
}

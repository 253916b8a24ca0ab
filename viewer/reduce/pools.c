/* Sequences for the faults of a program's own pools: their report has the pools, the piece and the
 * call. */
#include "viewer/reduce/parts.h"

#include <jansson.h>
#include <string.h>

/* Bytes of a pool's memory beside a piece, and the piece's place in it. */
enum { POOL_BYTES = 1024, PIECE_AT = 64 };

/* Adds the memory of a pool, and its begin. */
static bool add_pool(struct sequence *out, struct step step, int64_t piece_bytes) {
    step.made.verb = SEQUENCE_MALLOC;
    step.made.a = POOL_BYTES + piece_bytes;
    if (!sequence_add(out, &step))
        return false;
    step.made.verb = SEQUENCE_POOL_CREATE;
    step.made.a = 0;
    return sequence_add(out, &step);
}

static bool add_pool_step(struct sequence *out, struct step step, enum sequence_verb verb,
                          int64_t a, int64_t b) {
    step.made.verb = verb;
    step.made.a = a;
    step.made.b = b;
    return sequence_add(out, &step);
}

/* The verb of the call that the report stopped. */
static enum sequence_verb verb_of_call(const json_t *frames) {
    static const struct {
        const char *function;
        enum sequence_verb verb;
    } calls[] = {{"hak_pool_alloc", SEQUENCE_POOL_ALLOC},
                 {"hak_pool_reset", SEQUENCE_POOL_RESET},
                 {"hak_pool_destroy", SEQUENCE_POOL_DESTROY}};
    const json_t *frame;
    for (size_t i = 0; (frame = json_array_get(frames, i)); i++)
        for (size_t j = 0; j < sizeof calls / sizeof *calls; j++)
            if (strcmp(hak_json_string(frame, "function"), calls[j].function) == 0)
                return calls[j].verb;
    return SEQUENCE_POOL_FREE;
}

bool fault_is_of_pool(const struct reduction *r) {
    return r->wanted.code >= POOL_DOUBLE_FREE && r->wanted.code <= POOL_USE_AFTER_RESET;
}

bool fault_add_pool(const struct reduction *r, struct sequence *out) {
    const json_t *fault = json_object_get(r->document, "fault");
    const json_t *found = json_object_get(json_object_get(fault, "found"), "frames");
    const char *end = hak_json_string(json_object_get(fault, "pool"), "end");
    const json_t *asked = json_object_get(json_object_get(r->document, "block"), "asked_bytes");
    int64_t bytes = json_is_integer(asked) ? json_integer_value(asked) : 0;
    int64_t offset = json_integer_value(json_object_get(fault, "offset"));
    unsigned code = r->wanted.code;
    int64_t owner = code == POOL_MISMATCH ? 2 : 1; /* pool 1 is the one of the faulty call */
    struct step taken = {.made = {.thread = 1, .block = (uint32_t)owner}}, freed = taken;
    struct step wrong = taken, first = taken;
    fault_take_function(&taken, json_object_get(fault, "allocated"));
    fault_take_function(&freed, json_object_get(fault, "freed"));
    fault_take_function(&wrong, found);
    memcpy(first.function, taken.function, sizeof first.function);
    first.made.block = 1;
    enum sequence_verb call = verb_of_call(found);
    bool good = add_pool(out, first, bytes);
    first.made.block = 2;
    if (good && owner == 2)
        good = add_pool(out, first, bytes);
    if (good && bytes > 0)
        good = add_pool_step(out, taken, SEQUENCE_POOL_ALLOC, PIECE_AT, bytes);
    if (good && code == POOL_DOUBLE_FREE)
        good = add_pool_step(out, freed, SEQUENCE_POOL_FREE, PIECE_AT, owner);
    if (good && code == POOL_USE_AFTER_RESET)
        good = add_pool_step(
            out, freed, strstr(end, "destroy") ? SEQUENCE_POOL_DESTROY : SEQUENCE_POOL_RESET, 0, 0);
    if (call == SEQUENCE_POOL_ALLOC)
        return good && add_pool_step(out, wrong, call, PIECE_AT, bytes > 0 ? bytes : 1);
    if (call != SEQUENCE_POOL_FREE)
        return good && add_pool_step(out, wrong, call, 0, 0);
    return good && add_pool_step(out, wrong, call, PIECE_AT + offset, 1);
}

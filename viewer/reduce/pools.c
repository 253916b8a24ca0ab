/* Sequences for the faults of a program's own pools: their report has the pools, the piece and the
 * call. */
#include "viewer/reduce/parts.h"

#include <jansson.h>
#include <string.h>

/* Bytes of a pool's memory behind a piece; the piece's place in it; the most that a pool leaves
 * around a piece (hakmem.h). */
enum { POOL_BYTES = 1024, PIECE_AT = 64, ROOM_MOST = 4096, ROOM_STEP = 16 };

/* A sequence in the making, and what the report says. */
struct made_pool {
    struct sequence *out;
    bool failed; /* no memory */
    unsigned code;
    bool is_swept;  /* no call found it */
    bool has_piece; /* the report is about one, which may have no bytes */
    const char *end;
    enum sequence_verb call;    /* that the report stopped */
    int64_t bytes, offset;      /* of the piece; of the pointer or the damage */
    int64_t damaged;            /* bytes */
    int64_t before, behind, at; /* room around the piece; the piece's place */
    enum sequence_place from, to;
    struct step taken, freed, wrong; /* with the functions of the program */
};

static void add_step(struct made_pool *m, struct step step, enum sequence_verb verb, int64_t a,
                     int64_t b) {
    step.made.verb = verb;
    step.made.a = a;
    step.made.b = b;
    m->failed |= !sequence_add(m->out, &step);
}

/* ---- the report --------------------------------------------------------------------------------
 */

/* The verb of the call that the report stopped. */
static enum sequence_verb verb_of_call(const json_t *frames) {
    static const struct {
        const char *function;
        enum sequence_verb verb;
    } calls[] = {{"hak_pool_alloc", SEQUENCE_POOL_ALLOC},
                 {"hak_pool_move", SEQUENCE_POOL_MOVE},
                 {"hak_pool_redzone", SEQUENCE_POOL_REDZONE},
                 {"hak_pool_allow", SEQUENCE_POOL_ALLOW},
                 {"hak_pool_reset", SEQUENCE_POOL_RESET},
                 {"hak_pool_reset_outside", SEQUENCE_POOL_RESET},
                 {"hak_pool_destroy", SEQUENCE_POOL_DESTROY}};
    const json_t *frame;
    for (size_t i = 0; (frame = json_array_get(frames, i)); i++)
        for (size_t j = 0; j < sizeof calls / sizeof *calls; j++)
            if (strcmp(hak_json_string(frame, "function"), calls[j].function) == 0)
                return calls[j].verb;
    return SEQUENCE_POOL_FREE;
}

/* The place with a name; those of the program's own are SEQUENCE_PLACE_OWN. */
static enum sequence_place place_of(const char *name) {
    static const char *const places[] = {
#define PLACE(name, word) word,
        SEQUENCE_PLACES(PLACE)
#undef PLACE
    };
    for (int i = 0; i < SEQUENCE_PLACE_OWN; i++)
        if (strcmp(places[i], name) == 0)
            return (enum sequence_place)i;
    return SEQUENCE_PLACE_OWN;
}

static int64_t report_number(const json_t *object, const char *name) {
    return sequence_within(json_integer_value(json_object_get(object, name)));
}

/* Room for the damage, in whole steps. */
static int64_t room_for(int64_t bytes) {
    int64_t room = (bytes + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
    return bytes <= 0 ? 0 : room < ROOM_MOST ? room : ROOM_MOST;
}

/* Settles the room around the piece, and its place. */
static void settle_room(struct made_pool *m) {
    m->before = m->offset < 0 ? room_for(-m->offset) : 0;
    m->behind = m->offset < 0 ? 0 : room_for(m->offset - m->bytes + m->damaged);
    m->at = PIECE_AT + m->before;
    /* `write` writes an A, which is the fill itself only at such addresses (guard/pools/redzone.c).
     */
    if ((m->at + m->offset) % ROOM_STEP + m->damaged >= ROOM_STEP - 1)
        m->at += ROOM_STEP / 2;
}

static struct made_pool read_report(const struct reduction *r, struct sequence *out) {
    const json_t *fault = json_object_get(r->document, "fault");
    const json_t *block = json_object_get(r->document, "block");
    const json_t *found = json_object_get(json_object_get(fault, "found"), "frames");
    const json_t *pool = json_object_get(fault, "pool");
    const char *from = hak_json_string(pool, "from"), *to = hak_json_string(pool, "to");
    int64_t damaged = report_number(fault, "damaged_bytes");
    struct step step = {.made = {.thread = 1, .block = 1}};
    struct made_pool m = {
        .out = out,
        .code = r->wanted.code,
        .is_swept = strcmp(r->wanted.hop, "SWEEP") == 0,
        .end = hak_json_string(pool, "end"),
        .call = verb_of_call(found),
        .has_piece = json_is_object(block),
        .bytes = report_number(block, "asked_bytes"),
        .offset = report_number(fault, "offset"),
        .damaged = damaged > 0 ? damaged : 1,
        .at = PIECE_AT,
        .from = place_of(from),
        .to = place_of(to),
        .taken = step,
        .freed = step,
        .wrong = step,
    };
    if (m.to == SEQUENCE_PLACE_OWN && m.from == m.to && strcmp(from, to) != 0)
        m.to = SEQUENCE_PLACE_OTHER;
    fault_take_function(&m.taken, json_object_get(fault, "allocated"));
    fault_take_function(&m.freed, json_object_get(fault, "freed"));
    fault_take_function(&m.wrong, found);
    if (m.code == POOL_OVERFLOW)
        settle_room(&m);
    return m;
}

/* ---- the sequence ------------------------------------------------------------------------------
 */

/* Adds the memory of a pool, and its begin. */
static void add_pool(struct made_pool *m, uint32_t number) {
    struct step step = m->taken;
    step.made.block = number;
    add_step(m, step, SEQUENCE_MALLOC, POOL_BYTES + m->at + m->bytes + m->behind - PIECE_AT, 0);
    add_step(m, step, SEQUENCE_POOL_CREATE, 0, 0);
}

/* The piece's pool. In a mismatch the faulty call, for pool 1, is not for it. */
static uint32_t owner(const struct made_pool *m) {
    return m->code == POOL_MISMATCH ? 2 : 1;
}

static void add_piece(struct made_pool *m) {
    struct step step = m->taken;
    step.made.block = owner(m);
    if (m->has_piece)
        add_step(m, step, SEQUENCE_POOL_ALLOC, m->at, m->bytes);
}

static void add_free(struct made_pool *m) {
    add_step(m, m->freed, SEQUENCE_POOL_FREE, m->at, 1);
}

/* Adds a table without the faulty move, and the moves that bring the piece where it is due. */
static void add_moves(struct made_pool *m) {
    enum sequence_place before = m->has_piece ? SEQUENCE_PLACE_FREE : SEQUENCE_PLACE_NEW;
    bool is_own = m->from == SEQUENCE_PLACE_OWN;
    add_step(m, m->taken, SEQUENCE_POOL_ALLOW, is_own ? before : SEQUENCE_PLACE_OTHER,
             SEQUENCE_PLACE_OWN);
    add_piece(m);
    if (m->has_piece && m->from != SEQUENCE_PLACE_OUT)
        add_free(m);
    if (is_own)
        add_step(m, m->freed, SEQUENCE_POOL_MOVE, m->at, SEQUENCE_PLACE_OWN);
}

/* Adds what comes before the piece is handed out, and before the faulty call. */
static void add_before(struct made_pool *m) {
    struct step damage = m->wrong;
    switch (m->code) {
    case POOL_DOUBLE_FREE:
        add_piece(m);
        add_free(m);
        return;
    case POOL_USE_AFTER_RESET:
        add_piece(m);
        add_step(m, m->freed,
                 strstr(m->end, "destroy") ? SEQUENCE_POOL_DESTROY : SEQUENCE_POOL_RESET, 0, 0);
        return;
    case POOL_OVERFLOW:
        add_step(m, m->taken, SEQUENCE_POOL_REDZONE, m->before, m->behind);
        add_piece(m);
        snprintf(damage.function, sizeof damage.function, "damage"); /* the writer is not known */
        add_step(m, damage, SEQUENCE_WRITE, m->at + m->offset, m->damaged);
        return;
    case POOL_DOUBLE_ALLOC: /* of a pool that takes pieces back */
        add_piece(m);
        add_free(m);
        add_piece(m);
        return;
    case POOL_ILLEGAL_MOVE:
        add_moves(m);
        return;
    default:
        add_piece(m);
    }
}

static void add_faulty_call(struct made_pool *m) {
    int64_t offset = m->code == POOL_OVERFLOW ? 0 : m->offset;
    struct step step = m->wrong;
    switch (m->call) {
    case SEQUENCE_POOL_ALLOC:
        add_step(m, m->wrong, m->call, m->at, m->bytes > 0 ? m->bytes : 1);
        return;
    case SEQUENCE_POOL_MOVE:
        add_step(m, m->wrong, m->call, m->at + offset, m->to);
        return;
    case SEQUENCE_POOL_FREE:
        step.made.block = owner(m);
        add_step(m, step, m->call, m->at + offset, 1);
        return;
    default:
        add_step(m, m->wrong, m->call, 0, 0);
    }
}

bool fault_is_of_pool(const struct reduction *r) {
    return r->wanted.code >= POOL_DOUBLE_FREE && r->wanted.code <= POOL_ILLEGAL_MOVE;
}

bool fault_add_pool(const struct reduction *r, struct sequence *out) {
    struct made_pool m = read_report(r, out);
    add_pool(&m, 1);
    if (m.code == POOL_MISMATCH)
        add_pool(&m, 2);
    add_before(&m);
    if (!m.is_swept)
        add_faulty_call(&m);
    return !m.failed;
}

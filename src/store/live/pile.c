/* Piles states up as bytes, and joins them block by block. */
#include "store/live/pile.h"

#include <stdlib.h>
#include "base/array.h"

#define MARK_STATES  64    /* between two marks */
#define ROUND_STATES 16384 /* about so many are sorted at once */
#define STATE_BYTES  (10 * HAK_VARINT_BYTES)

/* First byte of a state; its step takes the lowest two bits. */
enum { FRESH = 4, SAME_PROCESS = 8, SAME_THREAD = 16 };

void hak_live_pile_free(struct hak_live_pile *p) {
    hak_buffer_free(&p->bytes);
    free(p->layer);
    free(p->mark);
    *p = (struct hak_live_pile){0};
}

void hak_live_pile_clear(struct hak_live_pile *p) {
    p->bytes.size = 0;
    p->layers = p->marks = 0;
}

bool hak_live_pile_begin(struct hak_live_pile *p, uint64_t first_id, uint64_t ns) {
    if (!hak_array_make_room(&p->layer, p->layers, &p->layer_room, sizeof *p->layer))
        return false;
    p->layer[p->layers++] =
        (struct hak_live_layer){.first_id = first_id, .ns = ns, .start = p->bytes.size};
    p->before = (struct hak_live_state){0};
    return true;
}

static bool put_mark(struct hak_live_pile *p, const struct hak_live_state *s) {
    if (!hak_array_make_room(&p->mark, p->marks, &p->mark_room, sizeof *p->mark) ||
        !hak_buffer_reserve(&p->bytes, MARK_STATES * STATE_BYTES))
        return false;
    p->mark[p->marks++] = (struct hak_live_mark){.base = s->base, .process = s->process};
    return true;
}

bool hak_live_pile_put(struct hak_live_pile *p, const struct hak_live_state *s) {
    struct hak_live_layer *layer = &p->layer[p->layers - 1];
    const struct hak_live_state *before = &p->before;
    if (layer->states % MARK_STATES == 0 && !put_mark(p, s))
        return false;
    p->mark[p->marks - 1].states++;
    layer->states++;
    bool is_of_process = s->process == before->process, is_born = s->step == HAK_LIVE_BORN;
    bool is_of_thread = is_born && s->thread == before->thread;
    uint8_t *at = p->bytes.data + p->bytes.size;
    *at++ = (uint8_t)(s->step | (s->is_fresh ? FRESH : 0) | (is_of_process ? SAME_PROCESS : 0) |
                      (is_of_thread ? SAME_THREAD : 0));
    if (!is_of_process)
        at = hak_write_varint(at, s->process);
    at = hak_write_varint(at, s->base - (is_of_process ? before->base : 0));
    if (s->step != HAK_LIVE_ENDED) {
        *at++ = s->class_index;
        at = hak_write_varint(at, s->user - s->base);
        at = hak_write_varint(at, s->size);
    }
    if (is_born) {
        at = hak_write_varint(at, s->birth - layer->first_id);
        at = hak_write_varint(at, hak_zigzag(s->ns - layer->ns));
        at = hak_write_varint(at, hak_zigzag((uint64_t)s->stack - before->stack));
        if (!is_of_thread)
            at = hak_write_varint(at, s->thread);
        p->before.stack = s->stack;
        p->before.thread = s->thread;
    }
    p->bytes.size = (size_t)(at - p->bytes.data);
    p->before.process = s->process;
    p->before.base = s->base;
    return true;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

struct layer_cursor {
    const struct hak_live_layer *layer;
    const uint8_t *at;
    uint32_t left; /* states behind the one that is here */
    bool is_done;
    uint32_t stack, thread;      /* of the last birth */
    struct hak_live_state state; /* the one that is here */
};

struct hak_live_reading {
    const struct hak_live_pile *pile;
    struct layer_cursor *cursor;
    struct hak_live_mark *mark; /* of all layers, sorted */
    uint32_t next_mark;
    struct hak_live_state *room; /* of this range, layer by layer */
    struct hak_live_place *place, *scratch;
    uint32_t count, room_states, place_room, scratch_room, at;
};

static uint64_t read_number(const uint8_t **at) {
    uint64_t value = *(*at)++;
    if (value < 0x80)
        return value;
    value &= 0x7f;
    for (unsigned shift = 7;; shift += 7) {
        uint64_t byte = *(*at)++;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* Goes to the layer's next state. */
static void read_state(struct layer_cursor *c) {
    const uint8_t *at = c->at;
    if (!c->left) {
        c->is_done = true;
        return;
    }
    c->left--;
    struct hak_live_state before = c->state, s = {0};
    unsigned flags = *at++;
    s.step = flags & 3;
    s.is_fresh = (flags & FRESH) != 0;
    bool is_of_process = (flags & SAME_PROCESS) != 0;
    s.process =
        is_of_process ? before.process : (uint32_t)read_number(&at) & (HAK_LIVE_PROCESSES - 1);
    s.base = (is_of_process ? before.base : 0) + read_number(&at);
    if (s.step != HAK_LIVE_ENDED) {
        s.class_index = *at++;
        s.user = s.base + read_number(&at);
        s.size = read_number(&at);
    }
    if (s.step == HAK_LIVE_BORN) {
        s.birth = c->layer->first_id + read_number(&at);
        s.ns = c->layer->ns + hak_unzigzag(read_number(&at));
        s.stack = c->stack += (uint32_t)hak_unzigzag(read_number(&at));
        if (!(flags & SAME_THREAD))
            c->thread = (uint32_t)read_number(&at);
        s.thread = c->thread;
    }
    c->state = s;
    c->at = at;
}

static int compare_marks(const void *a, const void *b) {
    const struct hak_live_mark *one = a, *other = b;
    if (one->process != other->process)
        return one->process < other->process ? -1 : 1;
    return (one->base > other->base) - (one->base < other->base);
}

struct hak_live_reading *hak_live_reading_open(const struct hak_live_pile *p) {
    struct hak_live_reading *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->pile = p;
    r->cursor = calloc(p->layers + 1, sizeof *r->cursor);
    r->mark = malloc((p->marks + 1) * sizeof *r->mark);
    if (!r->cursor || !r->mark) {
        hak_live_reading_close(r);
        return NULL;
    }
    for (uint32_t i = 0; i < p->layers; i++) {
        struct layer_cursor *c = &r->cursor[i];
        c->layer = &p->layer[i];
        c->left = c->layer->states;
        c->at = c->left ? p->bytes.data + c->layer->start : NULL;
        read_state(c);
    }
    if (p->marks)
        memcpy(r->mark, p->mark, p->marks * sizeof *r->mark);
    qsort(r->mark, p->marks, sizeof *r->mark, compare_marks);
    return r;
}

void hak_live_reading_close(struct hak_live_reading *r) {
    if (!r)
        return;
    free(r->cursor);
    free(r->mark);
    free(r->room);
    free(r->place);
    free(r->scratch);
    free(r);
}

/* Where the next range ends: NULL = it takes all that is left. */
static const struct hak_live_mark *end_of_range(struct hak_live_reading *r) {
    uint32_t states = 0, marks = r->pile->marks, at = r->next_mark;
    while (at < marks && states < ROUND_STATES)
        states += r->mark[at++].states;
    /* What has the same key stays together: the range ends before another one. */
    while (at < marks && compare_marks(&r->mark[at], &r->mark[at - 1]) == 0)
        at++;
    r->next_mark = at;
    return at < marks ? &r->mark[at] : NULL;
}

static bool take(struct hak_live_reading *r, const struct hak_live_state *s) {
    if (!hak_array_make_room(&r->room, r->count, &r->room_states, sizeof *r->room) ||
        !hak_array_make_room(&r->place, r->count, &r->place_room, sizeof *r->place) ||
        !hak_array_make_room(&r->scratch, r->count, &r->scratch_room, sizeof *r->scratch))
        return false;
    r->room[r->count] = *s;
    r->place[r->count] =
        (struct hak_live_place){.base = s->base, .process = s->process, .at = r->count};
    r->count++;
    return true;
}

static bool is_before(const struct hak_live_state *s, const struct hak_live_mark *end) {
    return !end || s->process < end->process || (s->process == end->process && s->base < end->base);
}

/* Takes all layers' states of the next range: 1, 0 there is none, -1 memory is out. */
static int next_range(struct hak_live_reading *r) {
    r->count = r->at = 0;
    while (r->count == 0) {
        if (r->next_mark == r->pile->marks)
            return 0;
        const struct hak_live_mark *end = end_of_range(r);
        for (uint32_t i = 0; i < r->pile->layers; i++) {
            struct layer_cursor *c = &r->cursor[i];
            for (; !c->is_done && is_before(&c->state, end); read_state(c))
                if (!take(r, &c->state))
                    return -1;
        }
    }
    hak_live_sort_places(r->place, r->count, r->scratch);
    return 1;
}

int hak_live_reading_next(struct hak_live_reading *r, struct hak_live_state *out) {
    for (;;) {
        if (r->at == r->count) {
            int found = next_range(r);
            if (found <= 0)
                return found;
        }
        const struct hak_live_place *first = &r->place[r->at], *place = first;
        const struct hak_live_place *end = r->place + r->count;
        *out = r->room[first->at];
        for (place++; place < end && place->base == first->base && place->process == first->process;
             place++)
            hak_live_join(out, &r->room[place->at]);
        r->at = (uint32_t)(place - r->place);
        if (!hak_live_is_void(out))
            return 1;
    }
}

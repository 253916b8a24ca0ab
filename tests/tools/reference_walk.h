/* The second reader of streams, made from docs/specs/event-log.md alone; included by
 * reference_decoder.c, whose columns and readers of numbers it uses. */
#define STREAMS_MAX 16

struct stream {
    const uint8_t *at, *end;
};
static struct stream streams[COLUMNS][STREAMS_MAX];
static const int stream_count[COLUMNS] = {
    [SHAPE] = 1, [ACTOR] = 2, [NS] = 16, [BASE] = 5,       [DELTA] = 1,
    [STACK] = 5, [SIZE] = 1,  [OLD] = 1, [GENERATION] = 2,
};

/* A list or a row: places of an array, some of them left empty. */
struct waiting {
    uint32_t *block; /* number + 1, 0 = gone */
    uint32_t bottom, top, room;
};
struct expected {
    int finding;
    uint64_t argument;
};
struct cell {
    struct expected next;
    uint64_t base;
};
static struct waiting list[16][32][64], row[16][64];
static struct {
    struct waiting *in;
    uint32_t place;
} block[EVENTS_MAX];
static struct cell cell[16][4][64];
static struct {
    uint64_t shape, stack;
    uint32_t follower, other_follower;
} site[EVENTS_MAX + 1];
static uint32_t last_site[16], site_count;
static uint32_t site_of[EVENTS_MAX];
static uint64_t actors[EVENTS_MAX], shapes[EVENTS_MAX], blocks[EVENTS_MAX];
static uint32_t actor_count, shape_count, block_count;

static uint8_t take_byte(int column, int which) {
    struct stream *s = &streams[column][which];
    if (s->at == s->end)
        give_up("a stream is cut short");
    return *s->at++;
}

static uint64_t take_varint(int column, int which) {
    at = streams[column][which].at;
    end = streams[column][which].end;
    uint64_t n = varint();
    streams[column][which].at = at;
    return n;
}

static uint64_t take_difference(int column, int which) {
    uint64_t z = take_varint(column, which);
    return z & 1 ? ~(z >> 1) : z >> 1;
}

static void split_streams(int column) {
    uint64_t length[STREAMS_MAX];
    for (int i = 0; i < stream_count[column]; i++)
        length[i] = varint();
    for (int i = 0; i < stream_count[column]; i++) {
        if (length[i] > (uint64_t)(end - at))
            give_up("a stream is longer than its column");
        streams[column][i].at = at;
        streams[column][i].end = at += length[i];
    }
    if (at != end)
        give_up("bytes left over after the streams");
}

static void expect_used_up(int column) {
    for (int i = 0; i < stream_count[column]; i++)
        if (streams[column][i].at != streams[column][i].end)
            give_up("bytes left over in a stream");
}

/* Stream 0 of column shape is never taken from: it is looked up. */
static unsigned token(uint32_t i) {
    return streams[SHAPE][0].at[i];
}

static void empty(struct waiting *w) {
    w->bottom = w->top = 0;
}

static void append(struct waiting *w, uint32_t number) {
    if (w->top == w->room) {
        w->room = w->room ? 2 * w->room : 64;
        w->block = realloc(w->block, w->room * sizeof *w->block);
        if (!w->block)
            give_up("out of memory");
    }
    block[number].in = w;
    block[number].place = w->top;
    w->block[w->top++] = number + 1;
}

static void shrink(struct waiting *w) {
    while (w->top > w->bottom && !w->block[w->top - 1])
        w->top--;
    while (w->bottom < w->top && !w->block[w->bottom])
        w->bottom++;
    if (w->bottom == w->top)
        empty(w);
}

static void leave(uint32_t number) {
    struct waiting *w = block[number].in;
    if (!w)
        return;
    uint32_t place = block[number].place;
    block[number].in = NULL;
    if (w >= &row[0][0] && w <= &row[15][63]) {
        uint32_t last = w->block[--w->top];
        if (last != number + 1) {
            w->block[place] = last;
            block[last - 1].place = place;
        }
        return;
    }
    w->block[place] = 0;
    shrink(w);
}

static struct waiting *list_of(uint32_t lane, unsigned place, unsigned k) {
    return &list[lane][place % 32][k];
}

static int place_of_source(unsigned kind) {
    static const char *const names[] = {
        "FRONT_SPILL", "MAGAZINE_SPILL", "SLL_PUSH",  "SLL_POP",    "SLL_SPILL",
        "PROMOTE",     "MID_OVERFLOW",   "MID_SPILL", "MID_RETURN", "QUARANTINE_LEAVE"};
    static const int places[] = {2, 3, 3, 4, 4, 4, 13, 13, 14, 18};
    for (int i = 0; i < 10; i++)
        if (strcmp(kind_name[kind], names[i]) == 0)
            return places[i];
    return 0;
}

static uint32_t find_block(const struct expected *e, struct cell *c, struct waiting *from,
                           struct waiting *own_row) {
    uint32_t number = UINT32_MAX;
    if (e->finding == 1 && from && from->top > from->bottom)
        number = from->block[from->top - 1] - 1;
    else if (e->finding == 2 && from && from->top > from->bottom)
        number = from->block[from->bottom] - 1;
    else if (e->finding == 3 && e->argument < own_row->top)
        number = own_row->block[own_row->top - 1 - e->argument] - 1;
    else if (e->finding == 4 && e->argument < block_count)
        number = (uint32_t)e->argument;
    else if (e->finding == 5)
        blocks[number = block_count++] = c->base + e->argument;
    if (number >= block_count)
        give_up("a block that is not there");
    if (e->finding == 5)
        block[number].in = NULL;
    if (e->finding == 4 || e->finding == 5)
        c->base = blocks[number];
    return number;
}

static uint32_t walk_block(uint32_t i, uint32_t lane, uint32_t s, int shift) {
    uint64_t shape = site[s].shape;
    unsigned kind = shape & 0xff, k = (shape >> 8 & 0xff) % 64, place = shape >> 16 & 0xff;
    int role = 0, stays = 0, to_row = 0;
    struct waiting *own_row = &row[lane][k];
    /* A site with no list to come from finds nothing at its top: place 0 is never filled. */
    struct waiting *from = list_of(lane, 0, k);
    if ((shape >> 32 & 2) || kind == 0 || kind >= 64) {
        stays = 1;
    } else if (kind == 3 && place == 5) {
        role = 3;
        stays = 1;
    } else if (kind == 1 || kind == 3) {
        role = 1;
        from = list_of(lane, place, k);
        to_row = 1;
    } else if (kind == 2 || kind == 4) {
        role = 3;
    } else if (place_of_source(kind)) {
        role = 2;
        from = list_of(lane, (unsigned)place_of_source(kind), k);
    }
    struct cell *c = &cell[lane][role][k];
    struct expected e = c->next;
    if (token(i) & 4) {
        e.finding = take_byte(BASE, 1);
        e.argument = 0;
        if (e.finding == 3 || e.finding == 4) {
            e.argument = take_byte(BASE, 2);
            e.argument += 256 * (uint64_t)take_byte(BASE, 3);
        } else if (e.finding == 5) {
            e.argument = take_difference(BASE, 4) << shift;
        }
        c->next = e;
    } else if (!e.finding) {
        e.finding = role == 0 ? 5 : role;
    }
    uint32_t number = find_block(&e, c, from, own_row);
    if (!stays) {
        leave(number);
        if (to_row)
            append(own_row, number);
        else if (place % 32 != 0 && place % 32 != 1 && place % 32 != 5)
            append(list_of(lane, place, k), number);
    }
    return number;
}

static uint32_t walk_site(uint32_t i, uint32_t lane) {
    uint32_t last = last_site[lane], s;
    switch (token(i) & 3) {
    case 0:
    case 1:
        s = (token(i) & 1 ? site[last].other_follower : site[last].follower) - 1;
        break;
    case 2:
        s = take_byte(STACK, 0);
        s += 256u * take_byte(STACK, 1);
        break;
    default: {
        uint64_t shape = take_varint(STACK, 2);
        if (shape > shape_count)
            give_up("a shape that is not there");
        if (shape == shape_count) {
            shapes[shape] = take_difference(STACK, 4) + (shape ? shapes[shape - 1] : 0);
            shape_count++;
        }
        uint64_t before = last == EVENTS_MAX ? 0 : site[last].stack;
        s = site_count++;
        memset(&site[s], 0, sizeof site[s]);
        site[s].shape = shapes[shape];
        site[s].stack = before + take_difference(STACK, 3);
    }
    }
    if (s >= site_count)
        give_up("a site that is not there");
    if (site[last].follower != s + 1)
        site[last].other_follower = site[last].follower;
    site[last].follower = s + 1;
    last_site[lane] = s;
    return s;
}

static void decode_walk(uint32_t n) {
    for (int lane = 0; lane < 16; lane++) {
        for (int place = 0; place < 32; place++)
            for (int k = 0; k < 64; k++)
                empty(&list[lane][place][k]);
        for (int k = 0; k < 64; k++)
            empty(&row[lane][k]);
        last_site[lane] = EVENTS_MAX;
    }
    memset(cell, 0, sizeof cell);
    memset(&site[EVENTS_MAX], 0, sizeof site[0]);
    site_count = actor_count = shape_count = block_count = 0;
    if (streams[SHAPE][0].end - streams[SHAPE][0].at != n)
        give_up("not one token for each event");
    int shift = take_byte(BASE, 0);
    uint64_t actor = 0;
    if (shift > 63 || !(token(0) & 128))
        give_up("impossible head of the walk");
    for (uint32_t i = 0; i < n; i++) {
        if (token(i) & 128) {
            actor = take_varint(ACTOR, 0);
            if (actor > actor_count)
                give_up("an actor that is not there");
            if (actor == actor_count) {
                actors[actor] = take_difference(ACTOR, 1) + (actor ? actors[actor - 1] : 0);
                actor_count++;
            }
        }
        uint32_t lane = actor % 16, s = walk_site(i, lane);
        site_of[i] = s;
        block_of[i] = walk_block(i, lane, s, shift);
        value[ACTOR][i] = actors[actor];
        value[SHAPE][i] = site[s].shape;
        value[STACK][i] = site[s].stack;
        value[BASE][i] = blocks[block_of[i]];
    }
    expect_used_up(ACTOR);
    expect_used_up(BASE);
    expect_used_up(STACK);
}

static void decode_delta(uint32_t n) {
    static uint64_t last[EVENTS_MAX];
    memset(last, 0, sizeof last);
    for (uint32_t i = 0; i < n; i++) {
        if (token(i) & 8)
            last[site_of[i]] += take_difference(DELTA, 0);
        value[DELTA][i] = last[site_of[i]];
    }
}

static void decode_size(uint32_t n) {
    static uint64_t last[EVENTS_MAX], of_class[64];
    uint32_t begun = 0;
    memset(last_of_base, 0, sizeof last_of_base);
    memset(of_class, 0, sizeof of_class);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t kind = value[SHAPE][i] & 0xff,
                 *of_k = &of_class[(value[SHAPE][i] >> 8 & 0xff) % 64];
        uint32_t s = site_of[i];
        if (s == begun) {
            last[s] = kind >= 1 && kind <= 4 ? *of_k : 0;
            begun++;
        }
        uint64_t size = kind == 2 || kind == 4 ? last_of_base[block_of[i]] : last[s];
        if (token(i) & 16)
            size = take_varint(SIZE, 0);
        last[s] = value[SIZE][i] = size;
        if (kind == 1 || kind == 3)
            last_of_base[block_of[i]] = *of_k = size;
    }
}

static void decode_old(uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint64_t old = 0;
        if ((value[SHAPE][i] & 0xff) == 3 && (value[SHAPE][i] >> 16 & 0xff) != 5)
            for (uint32_t k = i + 1; k < n && k <= i + 16; k++)
                if ((value[SHAPE][k] & 0xff) == 4 && value[ACTOR][k] == value[ACTOR][i]) {
                    old = value[BASE][k] + value[DELTA][k];
                    break;
                }
        if (token(i) & 64)
            old += take_difference(OLD, 0);
        value[OLD][i] = old;
    }
}

static void decode_generation(uint32_t n) {
    static uint64_t of_slab[1 << 18];
    static uint8_t is_slab[1 << 18];
    uint32_t seen = 0;
    memset(is_slab, 0, sizeof is_slab);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t b = block_of[i], k = find_slab(value[BASE][i] >> 16);
        uint64_t *slab = &of_slab[k], *last = &last_of_base[b];
        if (!is_slab[k])
            *slab = 0;
        is_slab[k] = 1;
        int is_first = b == seen;
        seen += (uint32_t)is_first;
        uint64_t g = is_first ? *slab : *last >> 32 << 32 | ((*last + 1) & 0xffffffff);
        if (token(i) & 32) {
            uint64_t low = (g + take_difference(GENERATION, 0)) & 0xffffffff;
            g = ((g >> 32) + take_difference(GENERATION, 1)) << 32 | low;
        }
        if (is_first || (token(i) & 32))
            *slab = g;
        value[GENERATION][i] = *last = g;
    }
}

static void decode_pace(uint32_t n) {
    static uint8_t group[1 << 16];
    int shift = take_byte(NS, 0);
    uint64_t now = take_varint(NS, 0);
    uint32_t before = EVENTS_MAX;
    if (shift > 63)
        give_up("impossible head of the times");
    memset(group, 0, sizeof group);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *g = &group[(before * 0x9e3779b1u ^ site_of[i] * 0x85ebca6bu) >> 16];
        uint64_t step = take_byte(NS, 1 + *g);
        if (step >= 192) {
            int bits = (int)step - 184;
            if (bits > 64)
                give_up("a step of too many bits");
            step = take_varint(NS, 15) + ((uint64_t)1 << (bits - 1));
        }
        int bits = 0;
        while (bits < 64 && step >> bits)
            bits++;
        *g = (uint8_t)(bits + 1 < 13 ? bits + 1 : 13);
        before = site_of[i];
        now += step & 1 ? ~(step >> 1) : step >> 1;
        value[NS][i] = now << shift;
    }
}

/* A column of streams, once the walk is there. */
static void decode_guessed(int column, uint32_t n) {
    static void (*const decode[COLUMNS])(uint32_t) = {
        [DELTA] = decode_delta,
        [SIZE] = decode_size,
        [OLD] = decode_old,
        [GENERATION] = decode_generation,
    };
    split_streams(column);
    if (column == NS)
        decode_pace(n);
    else
        decode[column](n);
    expect_used_up(column);
}

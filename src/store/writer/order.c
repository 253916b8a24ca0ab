/* Keeps the last generation of the blocks that were met last. */
#include "store/writer/order.h"

#include <stdlib.h>
#include <string.h>
#include "base/index.h"
#include "hop.h"
#include "trace/record.h"

enum { SEEN = 1 << 15 }; /* blocks: 768 KiB */

/* A block's last record. */
struct seen {
    uint64_t base, generation;
    uint32_t process; /* 0 = none */
};

struct hak_order_watch {
    struct seen before[SEEN];                   /* up to the chunk, where a hash leads to */
    struct seen in_chunk[HAK_CHUNK_EVENTS_MAX]; /* by number of the base */
};

static struct seen *place_of(struct hak_order_watch *w, uint32_t process, uint64_t base) {
    return &w->before[hak_index_mix(base, process) & (SEEN - 1)];
}

static void keep(struct hak_order_watch *w, const struct seen *s) {
    if (s->process)
        *place_of(w, s->process, s->base) = *s;
}

/* Begins to follow another process or base in a place: keeps what was seen there, and takes up what
 * is known of the new one. */
static void change(struct hak_order_watch *w, struct seen *s, uint32_t process, uint64_t base) {
    keep(w, s);
    const struct seen *before = place_of(w, process, base);
    bool is_known = before->process == process && before->base == base;
    *s = (struct seen){base, is_known ? before->generation : 0, process};
}

bool hak_order_watch_chunk(struct hak_order_watch **watch, const struct hak_columns *c,
                           uint64_t first_id, uint64_t *count, uint64_t *first) {
    struct hak_order_watch *w = *watch ? *watch : (*watch = calloc(1, sizeof *w));
    const uint32_t *number = c->index[HAK_COLUMN_BASE];
    if (!w)
        return false;
    *count = *first = 0;
    memset(w->in_chunk, 0, c->distinct[HAK_COLUMN_BASE] * sizeof *w->in_chunk);
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t shape = hak_columns_value(c, HAK_COLUMN_SHAPE, i);
        uint64_t generation = hak_columns_value(c, HAK_COLUMN_GENERATION, i);
        uint32_t process = (uint32_t)(hak_columns_value(c, HAK_COLUMN_ACTOR, i) >> 32);
        if ((shape & 0xff) - 1 >= HAK_MOVES_END - 1 || shape >> 32 & HAK_RECORD_ILLEGAL ||
            !generation)
            continue;
        struct seen *s = &w->in_chunk[number[i]];
        if (__builtin_expect(s->process != process, 0))
            change(w, s, process, hak_columns_value(c, HAK_COLUMN_BASE, i));
        if (__builtin_expect(!hak_generation_is_before(s->generation, generation), 0)) {
            if ((*count)++ == 0)
                *first = first_id + i;
            continue;
        }
        s->generation = generation;
    }
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_BASE]; k++)
        keep(w, &w->in_chunk[k]);
    return true;
}

void hak_order_watch_free(struct hak_order_watch *watch) {
    free(watch);
}

/* Picks the events of a decoded chunk that fit the filter. */
#include "store/reader/slot.h"

#include "base/sorted.h"

#define BIT(column) (1u << (column))

/* The columns that the limits need, a bit each. */
static unsigned asked_columns(const struct hak_scan_limits *l) {
    const struct hak_filter *f = &l->filter;
    unsigned mask = 0;
    if (f->ns_from || f->ns_to)
        mask |= BIT(HAK_COLUMN_NS);
    if (f->base || f->address || l->filter.base_to || l->filter.base_count)
        mask |= BIT(HAK_COLUMN_BASE);
    if (f->address)
        mask |= BIT(HAK_COLUMN_DELTA);
    if (f->process || f->thread)
        mask |= BIT(HAK_COLUMN_ACTOR);
    if (f->stack || l->stacks[0] || l->stacks[1])
        mask |= BIT(HAK_COLUMN_STACK);
    if (f->kind_mask_low || f->kind_mask_high || f->class_index >= 0)
        mask |= BIT(HAK_COLUMN_SHAPE);
    return mask;
}

#define KEEP_IF(condition)                                                                         \
    do {                                                                                           \
        uint32_t kept = 0;                                                                         \
        for (uint32_t k = 0; k < s->hits; k++) {                                                   \
            uint32_t i = s->hit[k];                                                                \
            if (condition)                                                                         \
                s->hit[kept++] = i;                                                                \
        }                                                                                          \
        s->hits = kept;                                                                            \
    } while (0)

static bool is_one_of(const uint64_t *sorted, uint32_t count, uint64_t value) {
    uint32_t at = hak_find_sorted(sorted, count, value);
    return at < count && sorted[at] == value;
}

#define VALUE(column) hak_columns_value(&s->columns, (column), i)

/* Fills the list with the events from `from` to before `end` whose value in a dictionary column is
 * marked: the distinct values are looked at, not the events. */
static void pick_marked(struct hak_scan_slot *s, enum hak_column column, uint32_t from,
                        uint32_t end) {
    const uint32_t *index = s->columns.index[column];
    uint32_t hits = 0;
    for (uint32_t i = from; i < end; i++) {
        s->hit[hits] = i;
        hits += s->mark[index[i]];
    }
    s->hits = hits;
}

/* Marks the bases in the chunk's dictionary that the limits admit. False: none. */
static bool mark_bases(struct hak_scan_slot *s) {
    const struct hak_scan_limits *l = s->limits;
    const uint64_t *base = s->columns.dictionary[HAK_COLUMN_BASE];
    bool any = false;
    for (uint32_t k = 0; k < s->columns.distinct[HAK_COLUMN_BASE]; k++) {
        s->mark[k] =
            (!l->filter.base || base[k] == l->filter.base) &&
            (!l->filter.base_to ||
             (base[k] >= l->filter.base_from && base[k] <= l->filter.base_to)) &&
            (!l->filter.base_count || is_one_of(l->filter.bases, l->filter.base_count, base[k]));
        any |= s->mark[k];
    }
    return any;
}

/* Marks the stacks in the chunk's dictionary that the limits admit. False: none. */
static bool mark_stacks(struct hak_scan_slot *s) {
    const struct hak_scan_limits *l = s->limits;
    const uint64_t *stack = s->columns.dictionary[HAK_COLUMN_STACK];
    bool any = false;
    for (uint32_t k = 0; k < s->columns.distinct[HAK_COLUMN_STACK]; k++) {
        s->mark[k] = l->filter.stack
                         ? stack[k] == l->filter.stack
                         : stack[k] && (stack[k] == l->stacks[0] || stack[k] == l->stacks[1]);
        any |= s->mark[k];
    }
    return any;
}

/* Lists the chunk's events that the limits admit. */
static void pick(struct hak_scan_slot *s) {
    const struct hak_scan_limits *l = s->limits;
    const struct hak_filter *f = &l->filter;
    uint64_t first = s->chunk_id;
    uint32_t from = f->id_from > first ? (uint32_t)(f->id_from - first) : 0;
    uint32_t end = s->chunk.events;
    bool by_base = f->base || l->filter.base_to || l->filter.base_count;
    bool by_stack = f->stack || l->stacks[0] || l->stacks[1];
    if (f->id_to && f->id_to < first + end - 1)
        end = (uint32_t)(f->id_to - first + 1);
    s->hits = 0;
    if (by_base) {
        if (mark_bases(s))
            pick_marked(s, HAK_COLUMN_BASE, from, end);
    } else if (by_stack) {
        if (mark_stacks(s))
            pick_marked(s, HAK_COLUMN_STACK, from, end);
    } else {
        for (uint32_t i = from; i < end; i++)
            s->hit[s->hits++] = i;
    }
    if (by_base && by_stack) {
        mark_stacks(s);
        KEEP_IF(s->mark[s->columns.index[HAK_COLUMN_STACK][i]]);
    }
    if (f->address)
        KEEP_IF(VALUE(HAK_COLUMN_BASE) == f->address ||
                VALUE(HAK_COLUMN_BASE) + VALUE(HAK_COLUMN_DELTA) == f->address);
    if (f->ns_from || f->ns_to)
        KEEP_IF(VALUE(HAK_COLUMN_NS) >= f->ns_from &&
                (!f->ns_to || VALUE(HAK_COLUMN_NS) <= f->ns_to));
    if (f->process)
        KEEP_IF(VALUE(HAK_COLUMN_ACTOR) >> 32 == f->process);
    if (f->thread)
        KEEP_IF((uint32_t)VALUE(HAK_COLUMN_ACTOR) == f->thread);
    if (f->class_index >= 0)
        KEEP_IF((VALUE(HAK_COLUMN_SHAPE) >> 8 & 0xff) == (uint64_t)f->class_index);
    if (f->kind_mask_low || f->kind_mask_high)
        KEEP_IF((VALUE(HAK_COLUMN_SHAPE) & 64 ? f->kind_mask_high : f->kind_mask_low) >>
                    (VALUE(HAK_COLUMN_SHAPE) & 63) &
                1);
}

/* Decodes the columns of `mask`; false: what is wrong was noted. */
static bool decode(struct hak_scan_slot *s, unsigned mask) {
    s->wrong = hak_chunk_decode(&s->chunk, &s->columns, mask);
    s->where = s->chunk.wrong_column;
    return !s->wrong;
}

void hak_scan_decode(struct hak_scan_slot *s) {
    s->hits = 0;
    if (s->wrong || !decode(s, asked_columns(s->limits)))
        return;
    pick(s);
    if (s->hits)
        decode(s, s->limits->columns);
}

void hak_scan_clear_unwanted(struct hak_event *e, unsigned wanted) {
    if (!(wanted & BIT(HAK_COLUMN_NS)))
        e->ns = 0;
    if (!(wanted & BIT(HAK_COLUMN_DELTA)))
        e->address = 0;
    if (!(wanted & BIT(HAK_COLUMN_BASE)))
        e->base = e->address = 0;
    if (!(wanted & BIT(HAK_COLUMN_SIZE)))
        e->size = 0;
    if (!(wanted & BIT(HAK_COLUMN_OLD)))
        e->old_address = 0;
    if (!(wanted & BIT(HAK_COLUMN_GENERATION)))
        e->generation = 0;
    if (!(wanted & BIT(HAK_COLUMN_ACTOR)))
        e->process = e->thread = 0;
    if (!(wanted & BIT(HAK_COLUMN_STACK)))
        e->stack = 0;
    if (!(wanted & BIT(HAK_COLUMN_SHAPE)))
        e->kind = e->class_index = e->place = e->subkind = e->flags = 0;
}

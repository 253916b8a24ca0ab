/* Finds the blocks that covered an address at any time, by the geometry of slabs and by postings.
 */
#include "store/reader/state.h"

#include <stdlib.h>
#include "hop.h"
#include "superslab.h"
#include "store/postings/postings.h"
#include "store/history/life.h"
#include "trace/record.h"
#include "store/history/lookup.h"

#define CANDIDATES_MAX (HAK_READER_CLASSES + 1)
#define BLOCK_COLUMNS                                                                              \
    (1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |                     \
     1u << HAK_COLUMN_DELTA | 1u << HAK_COLUMN_SIZE)
#define LARGE_MAX 1024 /* large blocks that one address was in at different times */

struct candidates {
    uint64_t base[CANDIDATES_MAX + LARGE_MAX]; /* sorted, distinct */
    uint32_t count;
};

static void add_candidate(struct candidates *c, uint64_t base) {
    uint32_t at = c->count;
    if (at == CANDIDATES_MAX + LARGE_MAX)
        return;
    while (at && c->base[at - 1] >= base)
        at--;
    if (at < c->count && c->base[at] == base)
        return;
    for (uint32_t i = c->count; i > at; i--)
        c->base[i] = c->base[i - 1];
    c->base[at] = base;
    c->count++;
}

/* Slot starts that each class would have around the address (superslab.h). */
static void add_slot_starts(struct hak_store_reader *r, uint64_t address, struct candidates *c) {
    uint64_t slab = address & ~(r->slab_bytes - 1);
    for (unsigned i = 0; i < HAK_READER_CLASSES; i++) {
        uint64_t first = slab + r->class[i].first_slot_offset;
        if (r->class[i].is_there && address >= first)
            add_candidate(c, address - (address - first) % r->class[i].slot_bytes);
    }
}

/* Is `address` in the large block of `bytes` at `base`? It is whole pages: what lies behind its
 * asked end, up to the end of the page, is in it like the unused end of a slot. */
static bool is_in_large(uint64_t address, uint64_t base, uint64_t bytes) {
    uint64_t page = address & ~(uint64_t)4095;
    return address >= base && (page > base ? page - base : 0) < bytes;
}

struct large_search {
    uint64_t address;
    struct candidates *candidates;
};

static int add_large_base(void *context, uint64_t base, uint64_t extent) {
    struct large_search *search = context;
    if (is_in_large(search->address, base, extent) || search->address == base)
        add_candidate(search->candidates, base);
    return 0;
}

struct seen {
    struct hak_block_key *out;
    int max, count;
};

static int compare_newest(const void *a, const void *b) {
    uint64_t x = ((const struct hak_block_key *)a)->last_event;
    uint64_t y = ((const struct hak_block_key *)b)->last_event;
    return (x < y) - (x > y);
}

/* Notes the use of a block; the oldest one makes room when there are too many. */
static void note_use(struct hak_store_reader *r, struct seen *seen, const struct hak_event *e) {
    struct hak_block_key *oldest = NULL;
    uint64_t slot = e->address + e->size - e->base;
    if (e->class_index != HAK_CLASS_NONE && r->class[e->class_index].is_there)
        slot = r->class[e->class_index].slot_bytes;
    for (int i = 0; i < seen->count; i++) {
        struct hak_block_key *k = &seen->out[i];
        if (k->base == e->base && k->process == e->process && k->class_index == e->class_index) {
            k->last_event = e->id;
            k->slot_bytes = slot > k->slot_bytes ? slot : k->slot_bytes;
            return;
        }
        if (!oldest || k->last_event < oldest->last_event)
            oldest = k;
    }
    if (seen->count < seen->max)
        oldest = &seen->out[seen->count++];
    if (oldest)
        *oldest = (struct hak_block_key){.base = e->base,
                                         .slot_bytes = slot,
                                         .last_event = e->id,
                                         .process = e->process,
                                         .class_index = e->class_index};
}

static bool covers(const struct hak_store_reader *r, const struct hak_event *e, uint64_t address) {
    if (e->address == address || e->base == address)
        return true;
    if (e->class_index == HAK_CLASS_NONE)
        return is_in_large(address, e->base, e->address + e->size - e->base);
    return address >= e->base && r->class[e->class_index].is_there &&
           address - e->base < r->class[e->class_index].slot_bytes;
}

static struct hak_scan_limits block_limits(const struct candidates *c, uint32_t process,
                                           bool legal_only) {
    struct hak_scan_limits limits = hak_scan_all();
    limits.filter.process = process;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.kind_mask_high = legal_only ? 0 : (uint64_t)1 << (HAK_FAULT - 64);
    limits.filter.bases = c->base;
    limits.filter.base_count = c->count;
    limits.columns = BLOCK_COLUMNS;
    return limits;
}

/* Moves that were wrong do not make a block, unless nothing else is known: a push of a foreign
 * pointer is all that is known of it. */
static bool makes_block(const struct hak_store_reader *r, const struct hak_event *e,
                        uint64_t address, bool legal_only) {
    return !(legal_only && e->flags & HAK_RECORD_ILLEGAL) && covers(r, e, address);
}

/* One walk over the chunks that speak of any candidate. */
static int walk(struct hak_store_reader *r, uint64_t address, const struct candidates *c,
                uint32_t process, bool legal_only, struct seen *seen) {
    struct hak_scan_limits limits = block_limits(c, process, legal_only);
    struct hak_scan *scan;
    struct hak_event event;
    int result = hak_scan_open(r, &limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &event)) == 1)
        if (makes_block(r, &event, address, legal_only))
            note_use(r, seen, &event);
    hak_scan_close(scan);
    return result;
}

/* Every base that a block around the address may have had. */
static int find_candidates(struct hak_store_reader *r, uint64_t address, struct candidates *c) {
    struct large_search search = {.address = address, .candidates = c};
    add_candidate(c, address);
    add_slot_starts(r, address, c);
    return hak_finder_large(&r->postings, address, add_large_base, &search);
}

static int find_by_walk(struct hak_store_reader *r, uint64_t address, uint32_t process,
                        struct candidates *c, struct seen *seen) {
    int error = find_candidates(r, address, c);
    if (!error)
        error = walk(r, address, c, process, true, seen);
    if (!error && seen->count == 0)
        error = walk(r, address, c, process, false, seen);
    return error;
}

/* ---- by owners: which process had which class in the slab, and so which slot's base -----------
 */

#define OWNERS_MAX 2048

struct owned {
    uint64_t base, owner; /* the slot, or large block, around the address; key of OWNER */
};
struct owned_blocks {
    struct owned block[OWNERS_MAX];
    int count;
    bool is_too_many; /* or not everything could be read: go by candidates */
    uint64_t owner[OWNERS_MAX];
    struct hak_store_reader *reader;
    uint64_t address;
};

static uint32_t process_of(uint64_t owner) {
    return (uint32_t)owner >> 8;
}

static void add_owned(struct owned_blocks *o, uint64_t base, uint64_t owner) {
    if (o->count == OWNERS_MAX)
        o->is_too_many = true;
    else
        o->block[o->count++] = (struct owned){base, owner};
}

/* Owners that had large blocks in the slab where `base` lies. */
static int add_large_owners(struct owned_blocks *o, uint64_t base) {
    int owners = hak_finder_owners(&o->reader->postings, base, o->owner, OWNERS_MAX);
    if (owners < 0 && owners != HAK_FINDER_NOT_ALL)
        return owners;
    o->is_too_many |= owners < 0 || owners > OWNERS_MAX;
    for (int i = 0; i < owners && !o->is_too_many; i++)
        if ((uint8_t)o->owner[i] == HAK_CLASS_NONE)
            add_owned(o, base, o->owner[i]);
    return 0;
}

static int find_owned(struct hak_store_reader *r, uint64_t address, struct owned_blocks *o,
                      struct candidates *large) {
    struct large_search search = {.address = address, .candidates = large};
    o->reader = r;
    o->address = address;
    int owners = hak_finder_owners(&r->postings, address, o->owner, OWNERS_MAX);
    if (owners < 0 && owners != HAK_FINDER_NOT_ALL)
        return owners;
    o->is_too_many = owners < 0 || owners > OWNERS_MAX;
    uint64_t slab = address & ~(r->slab_bytes - 1);
    for (int i = 0; i < owners && !o->is_too_many; i++) {
        unsigned class_index = (uint8_t)o->owner[i];
        uint64_t first = slab + r->class[class_index].first_slot_offset;
        if (r->class[class_index].is_there && address >= first)
            add_owned(o, address - (address - first) % r->class[class_index].slot_bytes,
                      o->owner[i]);
    }
    int error = hak_finder_large(&r->postings, address, add_large_base, &search);
    for (uint32_t i = 0; i < large->count && !error && !o->is_too_many; i++)
        error = add_large_owners(o, large->base[i]);
    return error;
}

/* The newest event that makes the block, of those whose ids are above `after`: 1, 0 none, or an
 * error. */
static int newest_of(struct hak_store_reader *r, uint64_t address, const struct owned *block,
                     const struct hak_lineage *lineage, const struct hak_filter *range,
                     uint64_t after, struct hak_event *out) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    limits.filter = *range;
    limits.filter.base = block->base;
    limits.filter.process = process_of(block->owner);
    limits.filter.class_index = (uint8_t)block->owner;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.id_from = after + 1;
    limits.owner = block->owner;
    limits.columns = BLOCK_COLUMNS | 1u << HAK_COLUMN_NS;
    int result = hak_scan_open(r, &limits, true, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, out)) == 1)
        if (makes_block(r, out, address, true) && (!lineage || hak_lineage_has(lineage, out)))
            break;
    hak_scan_close(scan);
    return result;
}

/* What was owned around the address, the newest uses of it. */
static int find_uses(struct hak_store_reader *r, uint64_t address, const struct owned_blocks *o,
                     uint32_t process, const struct hak_lineage *lineage,
                     const struct hak_filter *range, struct seen *seen) {
    for (int i = 0; i < o->count; i++) {
        struct hak_event e;
        uint64_t after = seen->max == 1 && seen->count ? seen->out[0].last_event : 0;
        if ((process && process_of(o->block[i].owner) != (process & 0xffffff)))
            continue;
        int found = newest_of(r, address, &o->block[i], lineage, range, after, &e);
        if (found < 0)
            return found;
        if (found)
            note_use(r, seen, &e);
    }
    return 0;
}

/* Foreign pointers, and what was never a legal block: bases that the address may have. */
static void candidates_of(const struct owned_blocks *o, struct candidates *c) {
    add_candidate(c, o->address);
    for (int i = 0; i < o->count; i++)
        add_candidate(c, o->block[i].base);
}

int hak_store_blocks_at(struct hak_store_reader *r, uint64_t address, uint32_t process,
                        struct hak_block_key *out, int max) {
    static const struct hak_filter always = {.class_index = -1};
    struct candidates *c = calloc(1, sizeof *c);
    struct owned_blocks *o = calloc(1, sizeof *o);
    struct seen seen = {.out = out, .max = max};
    int error = c && o ? 0 : hak_store_no_memory(r->db.path);
    if (!error)
        error = find_owned(r, address, o, c);
    if (!error && o->is_too_many) {
        error = find_by_walk(r, address, process, c, &seen);
    } else if (!error) {
        error = find_uses(r, address, o, process, NULL, &always, &seen);
        candidates_of(o, c);
        if (!error && seen.count == 0)
            error = walk(r, address, c, process, false, &seen);
    }
    free(c);
    free(o);
    if (error)
        return error;
    qsort(out, (size_t)seen.count, sizeof *out, compare_newest);
    return seen.count;
}

/* The first event from the end that makes a block of one of the candidates. */
static int newest_by_walk(struct hak_store_reader *r, uint64_t address, const struct candidates *c,
                          const struct hak_lineage *lineage, const struct hak_filter *range,
                          bool legal_only, struct seen *seen) {
    struct hak_scan_limits limits = block_limits(c, 0, legal_only);
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.id_to = range->id_to;
    limits.filter.ns_to = range->ns_to;
    limits.columns |= 1u << HAK_COLUMN_NS;
    int result = hak_scan_open(r, &limits, true, &scan);
    if (result)
        return result;
    while (!seen->count && (result = hak_scan_next(scan, &e)) == 1)
        if (makes_block(r, &e, address, legal_only) && (!lineage || hak_lineage_has(lineage, &e)))
            note_use(r, seen, &e);
    hak_scan_close(scan);
    return result < 0 ? result : 0;
}

int hak_block_newest(struct hak_store_reader *r, uint64_t address,
                     const struct hak_lineage *lineage, const struct hak_filter *range,
                     struct hak_block_key *out) {
    struct hak_filter until = {.class_index = -1, .id_to = range->id_to, .ns_to = range->ns_to};
    struct candidates *c = calloc(1, sizeof *c);
    struct owned_blocks *o = calloc(1, sizeof *o);
    struct seen seen = {.out = out, .max = 1};
    int error = c && o ? 0 : hak_store_no_memory(r->db.path);
    if (!error)
        error = find_owned(r, address, o, c);
    if (!error && o->is_too_many) {
        error = find_candidates(r, address, c);
        if (!error)
            error = newest_by_walk(r, address, c, lineage, range, true, &seen);
    } else if (!error) {
        error = find_uses(r, address, o, 0, lineage, &until, &seen);
        candidates_of(o, c);
    }
    if (!error && !seen.count)
        error = newest_by_walk(r, address, c, lineage, range, false, &seen);
    free(c);
    free(o);
    return error ? error : seen.count;
}

/* Finds the blocks that covered an address at any time, by the geometry of slabs and by postings.
 */
#include "store/reader/inner.h"

#include <stdlib.h>
#include "hop.h"
#include "superslab.h"
#include "base/sorted.h"
#include "store/postings/postings.h"
#include "store/history/lives.h"
#include "trace/record.h"
#include "store/history/lookup.h"

#define CANDIDATES_MAX (HAK_READER_CLASSES + 1)
#define BLOCK_COLUMNS                                                                              \
    (1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |                     \
     1u << HAK_COLUMN_DELTA | 1u << HAK_COLUMN_SIZE | 1u << HAK_COLUMN_NS)
#define LARGE_MAX 1024 /* large blocks that one address was in at different times */

struct candidates {
    uint64_t base[CANDIDATES_MAX + LARGE_MAX]; /* sorted, distinct */
    uint32_t count;
};

static void add_candidate(struct candidates *c, uint64_t base) {
    hak_add_sorted(c->base, &c->count, CANDIDATES_MAX + LARGE_MAX, base);
}

/* Adds the slot starts that each class would have around the address (superslab.h) as
 * candidates. */
static void add_slot_starts(struct hak_store_reader *r, uint64_t address, struct candidates *c) {
    uint64_t slab = address & ~(r->slab_bytes - 1);
    for (unsigned i = 0; i < HAK_READER_CLASSES; i++) {
        uint64_t first = slab + r->class[i].first_slot_offset;
        if (r->class[i].is_there && address >= first)
            add_candidate(c, address - (address - first) % r->class[i].slot_bytes);
    }
}

/* Is `address` in the large block of `bytes` at `base`? It is whole pages: what lies behind its
 * asked end, up to the end of the page, is in it like the unused end of a slot. Other allocators'
 * blocks begin at multiples of 16. */
static bool is_in_large(const struct hak_store_reader *r, uint64_t address, uint64_t base,
                        uint64_t bytes) {
    uint64_t unit = r->is_kept ? 16 : 4096, start = address & ~(unit - 1);
    return address >= base && (start > base ? start - base : 0) < bytes;
}

struct large_search {
    const struct hak_store_reader *reader;
    uint64_t address;
    struct candidates *candidates;
};

/* Adds a large block that can hold the address as a candidate. */
static int add_large_base(void *context, uint64_t base, uint64_t extent) {
    struct large_search *search = context;
    if (is_in_large(search->reader, search->address, base, extent) || search->address == base)
        add_candidate(search->candidates, base);
    return 0;
}

/* The blocks to look for. */
struct sought {
    uint64_t address;
    uint32_t process;                  /* row id, 0 = any */
    const struct hak_lineage *lineage; /* NULL = any */
    uint64_t id_to, ns_to;             /* used by events up to these; 0 = all */
};

struct seen {
    struct hak_block_key *out;
    int max, count;
};

/* The block with the newest event first. */
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

/* True when the event's block holds the address. */
static bool covers(const struct hak_store_reader *r, const struct hak_event *e, uint64_t address) {
    if (e->address == address || e->base == address)
        return true;
    if (e->class_index == HAK_CLASS_NONE)
        return is_in_large(r, address, e->base, e->address + e->size - e->base);
    return address >= e->base && r->class[e->class_index].is_there &&
           address - e->base < r->class[e->class_index].slot_bytes;
}

/* Moves that were wrong do not make a block, unless nothing else is known: a push of a foreign
 * pointer is all that is known of it. */
static bool makes_block(const struct hak_store_reader *r, const struct sought *sought,
                        const struct hak_event *e, bool legal_only) {
    return !(legal_only && e->flags & HAK_RECORD_ILLEGAL) && covers(r, e, sought->address) &&
           (!sought->lineage || hak_lineage_has(sought->lineage, e));
}

/* Looks through the chunks that speak of any candidate and notes their uses: where one block is
 * asked for, from the newest on. 0, or an error. */
static int find_candidate_uses(struct hak_store_reader *r, const struct sought *sought,
                               const struct candidates *c, bool legal_only, struct seen *seen) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    bool is_one = seen->max == 1;
    limits.filter.process = sought->process;
    limits.filter.id_to = sought->id_to;
    limits.filter.ns_to = sought->ns_to;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.kind_mask_high = legal_only ? 0 : (uint64_t)1 << (HAK_FAULT - 64);
    limits.filter.bases = c->base;
    limits.filter.base_count = c->count;
    limits.columns = BLOCK_COLUMNS;
    int result = hak_scan_open(r, &limits, is_one, &scan);
    if (result)
        return result;
    while (!(is_one && seen->count) && (result = hak_scan_next(scan, &e)) == 1)
        if (makes_block(r, sought, &e, legal_only))
            note_use(r, seen, &e);
    hak_scan_close(scan);
    return result < 0 ? result : 0;
}

/* Adds every base that a block around the address may have had. 0, or an error. */
static int find_candidates(struct hak_store_reader *r, uint64_t address, struct candidates *c) {
    struct large_search search = {.reader = r, .address = address, .candidates = c};
    add_candidate(c, address);
    add_slot_starts(r, address, c);
    return hak_finder_large(&r->postings, address, add_large_base, &search);
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
};

static uint32_t process_of(uint64_t owner) {
    return (uint32_t)owner >> 8;
}

/* Adds a block and the key of its owner; too many are noted. */
static void add_owned(struct owned_blocks *o, uint64_t base, uint64_t owner) {
    if (o->count == OWNERS_MAX)
        o->is_too_many = true;
    else
        o->block[o->count++] = (struct owned){base, owner};
}

/* Adds blocks at `base` for the owners that had large blocks in its slab; says if there are too
 * many. 0, or an error. */
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

/* Finds all blocks that can hold the address, with their owners, from the postings. May say that
 * there are too many. 0, or an error. */
static int find_owned(struct hak_store_reader *r, uint64_t address, struct owned_blocks *o,
                      struct candidates *large) {
    struct large_search search = {.reader = r, .address = address, .candidates = large};
    o->reader = r;
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
static int newest_of(struct hak_store_reader *r, const struct sought *sought,
                     const struct owned *block, uint64_t after, struct hak_event *out) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    limits.filter.id_to = sought->id_to;
    limits.filter.ns_to = sought->ns_to;
    limits.filter.base = block->base;
    limits.filter.process = process_of(block->owner);
    limits.filter.class_index = (uint8_t)block->owner;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.id_from = after + 1;
    limits.owner = block->owner;
    limits.columns = BLOCK_COLUMNS;
    int result = hak_scan_open(r, &limits, true, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, out)) == 1 && !makes_block(r, sought, out, true))
        continue;
    hak_scan_close(scan);
    return result;
}

/* Finds the newest uses of the blocks that were owned around the address. 0, or an error. */
static int find_owned_uses(struct hak_store_reader *r, const struct sought *sought,
                           const struct owned_blocks *o, struct seen *seen) {
    for (int i = 0; i < o->count; i++) {
        struct hak_event e;
        uint64_t after = seen->max == 1 && seen->count ? seen->out[0].last_event : 0;
        if (sought->process && process_of(o->block[i].owner) != (sought->process & 0xffffff))
            continue;
        int found = newest_of(r, sought, &o->block[i], after, &e);
        if (found < 0)
            return found;
        if (found)
            note_use(r, seen, &e);
    }
    return 0;
}

/* Fills `seen` with the blocks around the address, by postings or, where there are too many owners,
 * by the log. 0 or an error. */
static int find_blocks(struct hak_store_reader *r, const struct sought *sought, struct seen *seen) {
    struct candidates *c = calloc(1, sizeof *c);
    struct owned_blocks *o = calloc(1, sizeof *o);
    int error = c && o ? find_owned(r, sought->address, o, c) : hak_store_no_memory(r->db.path);
    if (!error && o->is_too_many) {
        error = find_candidates(r, sought->address, c);
        if (!error)
            error = find_candidate_uses(r, sought, c, true, seen);
    } else if (!error) {
        error = find_owned_uses(r, sought, o, seen);
        /* Foreign pointers, and addresses that were never a legal block: bases that the address may
         * have. */
        add_candidate(c, sought->address);
        for (int i = 0; i < o->count; i++)
            add_candidate(c, o->block[i].base);
    }
    if (!error && !seen->count)
        error = find_candidate_uses(r, sought, c, false, seen);
    free(c);
    free(o);
    return error;
}

int hak_store_blocks_at(struct hak_store_reader *r, uint64_t address, uint32_t process,
                        struct hak_block_key *out, int max) {
    const struct sought sought = {.address = address, .process = process};
    struct seen seen = {.out = out, .max = max};
    int error = find_blocks(r, &sought, &seen);
    if (error)
        return error;
    qsort(out, (size_t)seen.count, sizeof *out, compare_newest);
    return seen.count;
}

int hak_block_newest(struct hak_store_reader *r, uint64_t address,
                     const struct hak_lineage *lineage, uint64_t id_to, uint64_t ns_to,
                     struct hak_block_key *out) {
    const struct sought sought = {
        .address = address, .lineage = lineage, .id_to = id_to, .ns_to = ns_to};
    struct seen seen = {.out = out, .max = 1};
    int error = find_blocks(r, &sought, &seen);
    return error ? error : seen.count;
}

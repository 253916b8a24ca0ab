/* Searches the capture for lives of one allocation stack that a given other stack ended.
 *
 * A life's first and last event are records n and n + 1 + (resizes in place) of its slot, in one
 * epoch. So the last birth with the one stack and the last end with the other are kept for each
 * address; when their generations are neighbours they are one life for certain, and when only
 * others lie between, these are looked at. If there are more addresses than the table holds, the
 * search is made once for each part of them. */
#include "store/history/evidence.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "store/history/lives.h"
#include "store/reader/inner.h"
#include "trace/record.h"

#define TABLE_SLOTS      ((uint32_t)1 << 20)
#define TABLE_FULL       (TABLE_SLOTS / 4 * 3)
#define PARTS_MAX        64  /* then: not sure */
#define CLOSER_LOOKS_MAX 256 /* then: not sure */

struct stack_pair {
    uint64_t key; /* session << 48 ^ base; 0 = free */
    uint64_t birth_generation, birth_id, end_generation, end_id;
};

struct search {
    struct hak_store_reader *reader;
    uint32_t birth, end;
    uint64_t except, until;
    struct stack_pair *table;
    uint32_t used, parts, part, looks;
    uint32_t *session_of;
    uint32_t processes;
};

static uint64_t mix(uint64_t key) {
    return key * 0x9e3779b97f4a7c15ull;
}

/* The table's entry for the key, made if it is not there. There is room. */
static struct stack_pair *find_pair(struct search *s, uint64_t key) {
    uint32_t at = (uint32_t)(mix(key) >> 40) & (TABLE_SLOTS - 1);
    while (s->table[at].key && s->table[at].key != key)
        at = (at + 1) & (TABLE_SLOTS - 1);
    if (!s->table[at].key) {
        s->table[at] = (struct stack_pair){.key = key};
        s->used++;
    }
    return &s->table[at];
}

/* Whether all events of the block between the two are resizes in place: 1 yes, 0 no, or an error.
 */
static int only_resizes_between(struct search *s, uint64_t base, const struct stack_pair *p) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    uint64_t due = hak_generation_distance(p->birth_generation, p->end_generation) - 1, found = 0;
    limits.filter.base = base;
    limits.filter.kind_mask_low = (uint64_t)1 << HAK_REALLOC;
    int result = hak_scan_open(s->reader, &limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &e)) == 1)
        found += e.place == HAK_PLACE_LIVE && !(e.flags & HAK_RECORD_ILLEGAL) &&
                 hak_generation_is_before(p->birth_generation, e.generation) &&
                 hak_generation_is_before(e.generation, p->end_generation);
    hak_scan_close(scan);
    return result < 0 ? result : found >= due;
}

/* Whether the pair is a life that the stack ended: 1; 0: no; 2: cannot be told; or an error. */
static int is_one_life(struct search *s, uint64_t base, const struct stack_pair *p) {
    if (!p->birth_id || !p->end_id || p->birth_generation >> 32 != p->end_generation >> 32 ||
        !hak_generation_is_before(p->birth_generation, p->end_generation))
        return 0;
    if (hak_generation_distance(p->birth_generation, p->end_generation) == 1)
        return 1;
    if (s->looks++ == CLOSER_LOOKS_MAX)
        return 2;
    return only_resizes_between(s, base, p);
}

/* Notes a birth or an end by the two stacks. 1: both belong to one life, which is what was looked
 * for; 2: the table is full. */
static int match_event(struct search *s, const struct hak_event *e) {
    bool is_birth = e->stack == s->birth && (e->kind == HAK_MALLOC || e->kind == HAK_REALLOC) &&
                    e->place != HAK_PLACE_LIVE;
    bool is_end = e->stack == s->end && (e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM);
    if ((!is_birth && !is_end) || e->id == s->except || e->flags & HAK_RECORD_ILLEGAL)
        return 0;
    uint32_t session = e->process < s->processes ? s->session_of[e->process] : 0;
    uint64_t key = (uint64_t)session << 48 ^ e->base;
    if (!key || (mix(key) >> 20) % s->parts != s->part)
        return 0;
    if (s->used >= TABLE_FULL)
        return 2;
    struct stack_pair *p = find_pair(s, key);
    if (is_birth) {
        p->birth_generation = e->generation;
        p->birth_id = e->id;
    } else {
        p->end_generation = e->generation;
        p->end_id = e->id;
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the table is freed by hak_evidence_elsewhere */
    return is_one_life(s, e->base, p);
}

/* Searches the events of one part of the addresses for a witness: 0 none, 1 found, 2 the table is
 * full, or an error. */
static int search_part(struct search *s, uint64_t *witness) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.stacks[0] = s->birth;
    limits.stacks[1] = s->end;
    limits.filter.id_to = s->until;
    limits.filter.kind_mask_low =
        1u << HAK_MALLOC | 1u << HAK_FREE | 1u << HAK_REALLOC | 1u << HAK_REALLOC_FROM;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |
                     1u << HAK_COLUMN_STACK | 1u << HAK_COLUMN_GENERATION;
    memset(s->table, 0, TABLE_SLOTS * sizeof *s->table);
    s->used = 0;
    int result = hak_scan_open(s->reader, &limits, false, &scan);
    if (result)
        return result;
    int verdict = 0;
    while (!verdict && (result = hak_scan_next(scan, &e)) == 1)
        verdict = match_event(s, &e);
    hak_scan_close(scan);
    if (verdict == 1)
        *witness = e.id;
    return result < 0 ? result : verdict;
}

/* Loads the session of each process. 0, or an error. */
static int load_sessions(struct search *s) {
    struct hak_query q =
        hak_ask(&s->reader->db, "SELECT id, session FROM process", "reading processes");
    while (hak_query_next(&q))
        if (hak_query_number(&q, 0) < s->processes)
            s->session_of[hak_query_number(&q, 0)] = hak_query_id(&q, 1);
    return hak_query_end(&q);
}

int hak_evidence_elsewhere(struct hak_store_reader *r, uint32_t birth, uint32_t end,
                           uint64_t except, uint64_t until, uint64_t *witness) {
    struct search s = {
        .reader = r, .birth = birth, .end = end, .except = except, .until = until, .parts = 1};
    uint64_t highest = 0;
    *witness = 0;
    int result = hak_database_numbers(&r->db, "SELECT coalesce(max(id), 0), ?1 FROM process", 0,
                                      &highest, 1);
    if (result < 0)
        return result;
    s.processes = highest < 1u << 24 ? (uint32_t)highest + 1 : 1;
    s.session_of = calloc(s.processes, sizeof *s.session_of);
    s.table = malloc(TABLE_SLOTS * sizeof *s.table);
    if (s.table && s.session_of)
        result = load_sessions(&s);
    else
        result = hak_store_no_memory(r->db.path);
    while (!result && s.part < s.parts) {
        result = search_part(&s, witness);
        s.part++;
        if (result == 2 && s.looks <= CLOSER_LOOKS_MAX && s.parts < PARTS_MAX) {
            s.parts *= 4; /* the table was full: smaller parts, from the start */
            s.part = 0;
            result = 0;
        }
    }
    free(s.table);
    free(s.session_of);
    return result == 2 ? 1 : result;
}

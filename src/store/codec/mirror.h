/* A mirror of the allocator for one chunk: the lists in which blocks wait, and the blocks that the
 * program has, so that the block of the next event can be guessed.
 *
 *   list (lane, place, class)     bottom <-> ... <-> top      blocks freed into that place
 *   row  (lane, class)            0 1 2 ... last              blocks the program has
 *
 * Lanes are threads (16 of them, later ones share). A birth takes the top of the list of its place
 * and appends to the row; an end takes a block out of its row, the last one fills the hole, and
 * pushes it on the list of its place; a move takes the bottom of one list and pushes on another.
 * Coder and reader keep the same mirror: where it is right nothing is written, else the guess is
 * corrected. It needs not be right about the allocator, only the same on both sides. Blocks are
 * known by their number in the dictionary of column BASE. docs/specs/event-log.md has the rules. */
#ifndef HAK_STORE_CODEC_MIRROR_H
#define HAK_STORE_CODEC_MIRROR_H

#include "store/codec/column.h"

#define HAK_MIRROR_LANES     16
#define HAK_MIRROR_PLACES    32
#define HAK_MIRROR_CLASSES   64
#define HAK_MIRROR_GROUPS    4
#define HAK_MIRROR_LISTS     (HAK_MIRROR_LANES * HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES)
#define HAK_MIRROR_ROWS      (HAK_MIRROR_LANES * HAK_MIRROR_CLASSES)
#define HAK_MIRROR_NONE      UINT32_MAX
#define HAK_MIRROR_ROW_START 16 /* blocks that a row has room for at first; then doubled */
/* Each event adds at most one block to one row, so all rows together grow by at most so many; a row
 * that moves leaves less room behind than it has then. */
#define HAK_MIRROR_ROOM (4 * HAK_CHUNK_EVENTS_MAX + HAK_MIRROR_ROWS * HAK_MIRROR_ROW_START)

/* The way in which an event got its block. Numbers are written into stores. */
enum hak_finding {
    HAK_FIND_USUAL = 0,  /* never written: what the role does before anything was learned */
    HAK_FIND_TOP = 1,    /* top of the list it comes from */
    HAK_FIND_BOTTOM = 2, /* bottom of it */
    HAK_FIND_ROW = 3,    /* argument: how far from the end of the row */
    HAK_FIND_KNOWN = 4,  /* argument: its number */
    HAK_FIND_NEW = 5,    /* argument: its base minus the cell's last, modulo 2^64 */
    HAK_FINDINGS
};

/* The action of an event kind on its block; also the number of its group of cells. */
enum hak_role {
    HAK_ROLE_NONE = 0,  /* from nowhere that is mirrored, or a note */
    HAK_ROLE_BIRTH = 1, /* out of a list, to the program */
    HAK_ROLE_MOVE = 2,  /* out of a list */
    HAK_ROLE_END = 3,   /* out of a row; also what leaves the block there */
};

struct hak_expectation {
    uint64_t argument;
    uint8_t finding;
};

struct hak_mirror_cell {
    struct hak_expectation next;
    uint64_t last_base;
};

/* Facts that the shape of an event gives about its block. */
struct hak_shape_rule {
    uint8_t role, class_index; /* class: 0..63 */
    uint16_t from, to;         /* lists without the lane */
    bool to_row, to_list, stays;
};

struct hak_mirror {
    struct {
        uint32_t below, above; /* in a list; in a row `below` is its place */
        uint32_t where;        /* 0 nowhere, 1 + list, or 1 + HAK_MIRROR_LISTS + row */
    } block[HAK_CHUNK_EVENTS_MAX];
    struct {
        uint32_t top, bottom; /* number + 1, 0 = none */
    } list[HAK_MIRROR_LISTS];
    struct {
        uint32_t start, count, capacity; /* in room */
    } row[HAK_MIRROR_ROWS];
    uint32_t room_used;
    uint32_t room[HAK_MIRROR_ROOM];
    struct hak_mirror_cell cell[HAK_MIRROR_LANES][HAK_MIRROR_GROUPS][HAK_MIRROR_CLASSES];
    uint32_t lanes;  /* bit by lane: entered in this chunk */
    uint32_t blocks; /* numbers that this chunk's blocks have */
};

/* Empties the mirror for the next chunk: only lanes that were entered, the others are empty. */
void hak_mirror_reset(struct hak_mirror *m);
/* A block gets the next number; it is in no list. */
static inline void hak_mirror_meet(struct hak_mirror *m, uint32_t number) {
    m->block[number].where = 0;
    m->blocks = number + 1;
}
/* The events that follow are of `lane`. */
static inline void hak_mirror_enter(struct hak_mirror *m, uint32_t lane) {
    m->lanes |= 1u << lane;
}

/* The rule of a value of column SHAPE: how its event moves the block, from and to which lists. */
struct hak_shape_rule hak_shape_rule(uint64_t shape);

/* Gives a row twice the room. */
void hak_mirror_widen(struct hak_mirror *m, uint32_t row);

/* Takes the block off the list or row it lies in, if any. */
static inline void hak_mirror_take(struct hak_mirror *m, uint32_t number) {
    uint32_t where = m->block[number].where;
    uint32_t below = m->block[number].below, above = m->block[number].above;
    if (where > HAK_MIRROR_LISTS) {
        uint32_t row = where - 1 - HAK_MIRROR_LISTS;
        uint32_t *room = &m->room[m->row[row].start], end = --m->row[row].count;
        if (below != end) {
            uint32_t last = room[end];
            room[below] = last;
            m->block[last].below = below;
        }
    } else if (where) {
        if (above)
            m->block[above - 1].below = below;
        else
            m->list[where - 1].top = below;
        if (below)
            m->block[below - 1].above = above;
        else
            m->list[where - 1].bottom = above;
    }
    m->block[number].where = 0;
}

/* Puts the block, which is in no list, on top of a list. */
static inline void hak_mirror_push(struct hak_mirror *m, uint32_t list, uint32_t number) {
    uint32_t top = m->list[list].top;
    m->block[number].below = top;
    m->block[number].above = 0;
    m->block[number].where = list + 1;
    m->list[list].top = number + 1;
    if (top)
        m->block[top - 1].above = number + 1;
    else
        m->list[list].bottom = number + 1;
}

/* Puts the block at the end of a row, which grows. */
static inline void hak_mirror_append(struct hak_mirror *m, uint32_t row, uint32_t number) {
    uint32_t place = m->row[row].count++;
    if (place == m->row[row].capacity)
        hak_mirror_widen(m, row);
    m->room[m->row[row].start + place] = number;
    m->block[number].below = place;
    m->block[number].where = 1 + HAK_MIRROR_LISTS + row;
}

/* The block that one of the findings but NEW means; HAK_MIRROR_NONE where there is no such. `known`
 * blocks have a number. */
static inline uint32_t hak_mirror_find(struct hak_mirror *m, const struct hak_shape_rule *rule,
                                       uint32_t lane, struct hak_expectation e, uint32_t known) {
    switch (e.finding) {
    case HAK_FIND_TOP:
        return m->list[lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->from].top - 1;
    case HAK_FIND_BOTTOM:
        return m->list[lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->from].bottom - 1;
    case HAK_FIND_ROW: {
        uint32_t row = lane * HAK_MIRROR_CLASSES + rule->class_index;
        uint32_t count = m->row[row].count;
        return e.argument < count ? m->room[m->row[row].start + count - 1 - (uint32_t)e.argument]
                                  : HAK_MIRROR_NONE;
    }
    case HAK_FIND_KNOWN:
        return e.argument < known ? (uint32_t)e.argument : HAK_MIRROR_NONE;
    default:
        return HAK_MIRROR_NONE;
    }
}

/* The finding expected of a role while nothing was learned. */
static inline struct hak_expectation hak_mirror_expect(struct hak_expectation e,
                                                       const struct hak_shape_rule *rule) {
    static const uint8_t usual[] = {HAK_FIND_NEW, HAK_FIND_TOP, HAK_FIND_BOTTOM, HAK_FIND_ROW};
    if (e.finding == HAK_FIND_USUAL)
        e.finding = usual[rule->role];
    return e;
}

/* Moves the block as the event did: out of its list, into the row or onto the list of the rule. */
static inline void hak_mirror_follow(struct hak_mirror *m, const struct hak_shape_rule *rule,
                                     uint32_t lane, uint32_t number) {
    if (rule->stays)
        return;
    hak_mirror_take(m, number);
    if (rule->to_row)
        hak_mirror_append(m, lane * HAK_MIRROR_CLASSES + rule->class_index, number);
    else if (rule->to_list)
        hak_mirror_push(m, lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->to, number);
}

/* Follows the most usual event: a birth from the top of its list, so that the end at which the
 * block lies is known. */
static inline void hak_mirror_follow_birth(struct hak_mirror *m, const struct hak_shape_rule *rule,
                                           uint32_t lane, uint32_t number) {
    uint32_t list = lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->from;
    uint32_t below = m->block[number].below;
    m->list[list].top = below;
    if (below)
        m->block[below - 1].above = 0;
    else
        m->list[list].bottom = 0;
    hak_mirror_append(m, lane * HAK_MIRROR_CLASSES + rule->class_index, number);
}

/* Follows the second most usual event: an end of a block in the lane's row of its class. */
static inline void hak_mirror_follow_end(struct hak_mirror *m, const struct hak_shape_rule *rule,
                                         uint32_t lane, uint32_t number) {
    uint32_t row = lane * HAK_MIRROR_CLASSES + rule->class_index;
    uint32_t *room = &m->room[m->row[row].start];
    uint32_t place = m->block[number].below, last = --m->row[row].count;
    if (place != last) {
        room[place] = room[last];
        m->block[room[place]].below = place;
    }
    if (rule->to_list)
        hak_mirror_push(m, lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->to, number);
    else
        m->block[number].where = 0;
}

#endif

/* The rules of the mirror: which kinds take a block from where, and put it where. */
#include "store/codec/mirror.h"

#include "hop.h"

enum {
    LISTS = HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES, /* of a lane */
    FEW_BLOCKS = LISTS / 8
};

/* Empties the lists in which blocks lie; a list without blocks is empty as it stands. */
static void empty_lists_of_blocks(struct hak_mirror *m) {
    for (uint32_t number = 0; number < m->blocks; number++) {
        uint32_t where = m->block[number].where;
        if (where && where <= HAK_MIRROR_LISTS)
            m->list[where - 1].top = m->list[where - 1].bottom = 0;
    }
}

void hak_mirror_reset(struct hak_mirror *m) {
    bool are_few = m->blocks < FEW_BLOCKS;
    if (are_few)
        empty_lists_of_blocks(m);
    for (uint32_t used = m->lanes; used; used &= used - 1) {
        uint32_t lane = (uint32_t)__builtin_ctz(used);
        if (!are_few)
            memset(&m->list[lane * LISTS], 0, LISTS * sizeof m->list[0]);
        memset(&m->row[lane * HAK_MIRROR_CLASSES], 0, HAK_MIRROR_CLASSES * sizeof m->row[0]);
        memset(m->cell[lane], 0, sizeof m->cell[lane]);
    }
    m->lanes = m->blocks = 0;
    m->room_used = 0;
}

void hak_mirror_widen(struct hak_mirror *m, uint32_t row) {
    uint32_t old = m->row[row].capacity, wider = old ? 2 * old : HAK_MIRROR_ROW_START;
    if (old)
        memcpy(&m->room[m->room_used], &m->room[m->row[row].start], old * sizeof m->room[0]);
    m->row[row].start = m->room_used;
    m->row[row].capacity = wider;
    m->room_used += wider;
}

/* The list from which moves that are not calls take: part of the format. Kinds that are not here
 * come from slabs, from pages, or are new. */
static unsigned place_taken_from(unsigned kind) {
    switch (kind) {
    case HAK_FRONT_SPILL:
        return HAK_PLACE_FRONT;
    case HAK_MAGAZINE_SPILL:
    case HAK_SLL_PUSH:
        return HAK_PLACE_MAGAZINE;
    case HAK_SLL_POP:
    case HAK_SLL_SPILL:
    case HAK_PROMOTE:
        return HAK_PLACE_SLL;
    case HAK_MID_OVERFLOW:
    case HAK_MID_SPILL:
        return HAK_PLACE_MID_RING;
    case HAK_MID_RETURN:
        return HAK_PLACE_MID_LIFO;
    case HAK_QUARANTINE_LEAVE:
        return HAK_PLACE_QUARANTINE;
    default:
        return 0;
    }
}

static uint16_t list_of(unsigned place, unsigned class_index) {
    place %= HAK_MIRROR_PLACES;
    return (uint16_t)(place * HAK_MIRROR_CLASSES + class_index);
}

struct hak_shape_rule hak_shape_rule(uint64_t shape) {
    unsigned kind = shape & 0xff, class_index = shape >> 8 & 0xff, place = shape >> 16 & 0xff;
    struct hak_shape_rule rule = {.class_index = class_index % HAK_MIRROR_CLASSES};
    bool is_illegal = shape >> 32 & 2;
    rule.to = list_of(place, rule.class_index);
    rule.to_list =
        place % HAK_MIRROR_PLACES > HAK_PLACE_SLAB && place % HAK_MIRROR_PLACES != HAK_PLACE_LIVE;
    if (kind == 0 || kind >= 64 || is_illegal) {
        rule.stays = true;
    } else if (kind == HAK_REALLOC && place == HAK_PLACE_LIVE) {
        rule.role = HAK_ROLE_END;
        rule.stays = true;
    } else if (kind == HAK_MALLOC || kind == HAK_REALLOC) {
        rule.role = HAK_ROLE_BIRTH;
        rule.from = rule.to;
        rule.to_row = true;
    } else if (kind == HAK_FREE || kind == HAK_REALLOC_FROM) {
        rule.role = HAK_ROLE_END;
    } else if (place_taken_from(kind)) {
        rule.role = HAK_ROLE_MOVE;
        rule.from = list_of(place_taken_from(kind), rule.class_index);
    }
    return rule;
}

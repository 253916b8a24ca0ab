/* Rows by process and key, found by hash; a serial frees all slots at once. */
#include "store/profile/sums.h"

#include <stdlib.h>
#include "base/growing.h"

#define SUMS_BITS_MIN 12
#define SUMS_BITS_MAX 30
#define KEYS_MAX      (1u << 20) /* greater ones are searched for each time: a file may have any */

static uint32_t place_of(const struct hak_profile_sums *s, uint32_t process, uint32_t key) {
    uint64_t both = (uint64_t)process << 32 | key;
    return (uint32_t)(both * 0x9e3779b97f4a7c15ull >> (64 - s->bits));
}

/* The slot of the pair, or the free one where it is put. */
static struct hak_profile_sums_slot *find_slot(const struct hak_profile_sums *s, uint32_t process,
                                               uint32_t key) {
    uint32_t mask = (1u << s->bits) - 1;
    for (uint32_t at = place_of(s, process, key);; at = (at + 1) & mask) {
        struct hak_profile_sums_slot *slot = &s->slot[at];
        if (slot->serial != s->serial)
            return slot;
        const struct hak_profile_row *row = &s->row[slot->row];
        if (row->process == process && row->key == key)
            return slot;
    }
}

/* Makes 2 to the power of `bits` slots anew for the rows that there are. False without memory: the
 * old ones stay. */
static bool make_slots(struct hak_profile_sums *s, uint32_t bits) {
    struct hak_profile_sums_slot *slot = calloc((size_t)1 << bits, sizeof *slot);
    if (!slot)
        return false;
    free(s->slot);
    s->slot = slot;
    s->bits = bits;
    s->serial = 1;
    for (uint32_t i = 1; i < s->rows; i++)
        *find_slot(s, s->row[i].process, s->row[i].key) =
            (struct hak_profile_sums_slot){s->serial, i};
    return true;
}

bool hak_profile_sums_begin(struct hak_profile_sums *s) {
    if (!hak_growing_make_room(&s->row, 0, &s->room, sizeof *s->row))
        return false;
    s->row[0] = (struct hak_profile_row){0};
    s->rows = 1;
    if (!s->slot || s->serial == UINT32_MAX)
        return make_slots(s, s->slot ? s->bits : SUMS_BITS_MIN);
    s->serial++;
    return true;
}

/* Notes the row as the key's last, for a short cut; returns it. */
static uint32_t note_row(struct hak_profile_sums *s, uint32_t key, uint32_t row) {
    if (key < KEYS_MAX && hak_growing_reach(&s->last_row, key, &s->keys, sizeof *s->last_row))
        s->last_row[key] = row;
    return row;
}

uint32_t hak_profile_sums_search(struct hak_profile_sums *s, uint32_t process, uint32_t key) {
    struct hak_profile_sums_slot *slot = find_slot(s, process, key);
    if (slot->serial == s->serial)
        return note_row(s, key, slot->row);
    if (2 * s->rows >= 1u << s->bits) {
        if (s->bits == SUMS_BITS_MAX || !make_slots(s, s->bits + 1))
            return 0;
        slot = find_slot(s, process, key);
    }
    if (!hak_growing_make_room(&s->row, s->rows, &s->room, sizeof *s->row))
        return 0;
    s->row[s->rows] = (struct hak_profile_row){.process = process, .key = key};
    *slot = (struct hak_profile_sums_slot){s->serial, s->rows};
    return note_row(s, key, s->rows++);
}

void hak_profile_sums_free(struct hak_profile_sums *s) {
    free(s->row);
    free(s->slot);
    free(s->last_row);
    *s = (struct hak_profile_sums){0};
}

/* Sums by process and key while they grow: rows, and a hash that finds them. */
#ifndef HAK_STORE_PROFILE_SUMS_H
#define HAK_STORE_PROFILE_SUMS_H

#include "store/profile/rows.h"

struct hak_profile_sums_slot {
    uint32_t serial, row; /* it holds a row if the serial is that of the sums */
};
struct hak_profile_sums {
    struct hak_profile_row *row; /* row 0 is nobody's */
    uint32_t rows, room;
    struct hak_profile_sums_slot *slot;
    uint32_t bits, serial;
    uint32_t *last_row; /* by key: where it was found last, of whichever process and serial */
    uint32_t keys;      /* room in last_row */
};

/* Begins anew, with row 0 alone. False when memory is out. */
bool hak_profile_sums_begin(struct hak_profile_sums *s);
void hak_profile_sums_free(struct hak_profile_sums *s);
/* The row of the pair, which is added where it is new; 0 when memory is out. _search: not where it
 * was last. */
uint32_t hak_profile_sums_search(struct hak_profile_sums *s, uint32_t process, uint32_t key);

/* The row of the process and key; 0: there is none. */
static inline uint32_t hak_profile_sums_find(struct hak_profile_sums *s, uint32_t process,
                                             uint32_t key) {
    uint32_t at = key < s->keys ? s->last_row[key] : 0;
    bool is_it = at && at < s->rows && s->row[at].process == process && s->row[at].key == key;
    return is_it ? at : hak_profile_sums_search(s, process, key);
}

#endif

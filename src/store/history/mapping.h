/* Finds the program's own mappings of one address: when, by whom, and what became of them.
 *
 *   mapped.h --> steps of all processes --> those of one process and of its ancestors
 *
 * For one thread; the caller frees it. */
#ifndef HAK_STORE_HISTORY_MAPPING_H
#define HAK_STORE_HISTORY_MAPPING_H

#include "store/history/mapped.h"

struct hak_mapped_step {
    struct hak_event event;
    struct hak_range range; /* that the address is in after it; else the one before */
    bool is_mapped;         /* the address is, after it */
};

struct hak_mapped_place {
    uint32_t process;             /* row id */
    struct hak_mapped_step *step; /* oldest first */
    uint32_t steps, room;
    bool is_there;          /* at the moment */
    struct hak_range range; /* that it is in then, else that it was in last */
    uint8_t way;            /* enum hak_mapped at last, as far as the log has the calls */
    bool is_way_known, is_break;
};

/* Fills `out` for `address` in `process` (row id, 0 = where it was changed last) up to the event
 * `to` (0 = the end). 1, 0 where the program never had it mapped, or an error. */
int hak_mapped_place_read(struct hak_store_reader *r, uint64_t address, uint32_t process,
                          uint64_t to, struct hak_mapped_place *out);
void hak_mapped_place_free(struct hak_mapped_place *mapping);

#endif

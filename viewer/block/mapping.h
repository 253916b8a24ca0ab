/* The memory that the program mapped itself around an address that is in no block. */
#ifndef HAK_VIEWER_BLOCK_MAPPING_H
#define HAK_VIEWER_BLOCK_MAPPING_H

#include "store/history/history.h"
#include "viewer/capture/capture.h"

/* Reads the mapping around `address` for `process` (row id, 0 = where it was changed last) up to
 * the event `until` (0 = all). 1, 0 where there is none, or an error of the store. The caller frees
 * it with hak_mapped_place_free. */
int mapping_read(struct view *view, uint64_t address, uint32_t process, uint64_t until,
                 struct hak_mapped_place *out);
/* Appends where in the mapping the address lies, and the calls that mapped, opened, moved or
 * unmapped it, the newest STEPS_SHOWN unless --all is given. */
void mapping_add(struct hak_text *text, struct view *view, uint64_t address,
                 const struct hak_mapped_place *m);
/* The mapping and its calls as an object; null of one that is empty. */
json_t *mapping_json(struct view *view, uint64_t address, const struct hak_mapped_place *m);

#endif

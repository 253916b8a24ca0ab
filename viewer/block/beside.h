/* The blocks nearest to an address that lies in none. */
#ifndef HAK_VIEWER_BLOCK_BESIDE_H
#define HAK_VIEWER_BLOCK_BESIDE_H

#include <jansson.h>
#include "viewer/capture/capture.h"
#include "store/history/history.h"

struct beside {
    struct hak_block_key block;
    bool is_below; /* it ends in front of the address */
    bool is_freed;
    uint64_t user, asked_bytes; /* of its last life */
    uint64_t distance;          /* bytes between it and the address */
    struct hak_event birth;
};

/* The block below and the one above `address` in process `process` (row id, 0 = any), as far as
 * there are some within 1 MiB. Returns how many. */
int beside_find(struct view *view, uint32_t process, uint64_t address, struct beside out[2]);
/* The same as lines with what to type next, and as an array. */
void beside_add(struct hak_text *text, struct view *view, uint32_t process, uint64_t address);
json_t *beside_json(struct view *view, uint32_t process, uint64_t address);

#endif

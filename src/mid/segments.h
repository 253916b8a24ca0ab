/* The segments of a thread's overflow lists. For mid.c, and for the table that others read
 * (layout.h). */
#ifndef HAK_MID_SEGMENTS_H
#define HAK_MID_SEGMENTS_H

#include "mid/mid.h"

struct hak_mid_segment {
    struct hak_mid_segment *older;
    uint64_t count;
    base_t blocks[HAK_MID_SEGMENT_PLACES]; /* the last one is the newest */
};

struct hak_mid_list {
    struct hak_mid_segment *newest;
    uint32_t count;
    uint32_t low; /* the smallest count since the last decay */
};

struct hak_mid {
    size_t bytes; /* of the blocks in all lists */
    struct hak_mid_segment *unused;
    char *fresh, *fresh_end; /* memory for new segments */
    struct hak_mid_list lists[HAK_CLASSES];
};

#endif

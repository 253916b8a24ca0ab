/* An amount of memory: how many blocks, and how many bytes the program asked for. */
#ifndef HAK_BASE_AMOUNT_H
#define HAK_BASE_AMOUNT_H

#include <stdint.h>

struct hak_amount {
    uint64_t blocks, bytes;
};

static inline void hak_amount_add(struct hak_amount *to, struct hak_amount more) {
    to->blocks += more.blocks;
    to->bytes += more.bytes;
}
static inline void hak_amount_take(struct hak_amount *from, struct hak_amount less) {
    from->blocks -= less.blocks;
    from->bytes -= less.bytes;
}

#endif

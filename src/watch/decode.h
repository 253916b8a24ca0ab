/* Decodes the memory access of an instruction of x86-64: its length, the bytes that it reads or
 * writes, the registers that make the address, and those that it changes. For a thread that a debug
 * register stopped behind an instruction, whose end alone is known: so unknown instructions are
 * never taken for others, an instruction of any length is told from none, and the width of an
 * access is never given too small.
 *
 * Thread and signal safety: pure. */
#ifndef HAK_WATCH_DECODE_H
#define HAK_WATCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

enum { HAK_DECODE_LONGEST = 15 }; /* bytes of an instruction */

struct hak_decoded {
    unsigned length; /* bytes */
    bool reads, writes;
    bool is_scalar; /* exactly `bytes` bytes, at most 8; else at most `bytes` */
    bool is_whole;  /* not scalar: `bytes` are exact as well */
    bool is_loose;  /* is_whole, a vector that need not be aligned is loaded */
    unsigned bytes;
    /* The address: registers by DWARF's numbers, -1 = none. */
    int base, index;
    unsigned scale;
    int64_t displacement;
    bool is_of_rip;   /* relative to the instruction's end */
    bool is_narrow;   /* of 32 bits */
    bool is_unknown;  /* it is made of something else */
    uint32_t changed; /* general registers that it changes, a bit for each */
    int loaded;       /* the first `bytes` of this register are what was read, -1 = of none */
    bool is_string; /* base, and index as a second address, have moved on by `bytes`, up or down */
    bool is_repeated; /* is_string, with a prefix that repeats it */
};

/* Decodes the instruction that begins at `code`, where `count` bytes can be read. False: there is
 * none, or it is longer than that. A jump, call or return has no access here: no thread stands
 * behind one. */
HAK_HIDDEN bool hak_decode(const uint8_t *code, size_t count, struct hak_decoded *decoded);

#endif

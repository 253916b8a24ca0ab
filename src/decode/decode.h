/* Decodes an instruction of x86-64: its length, the bytes of memory that it reads or writes, the
 * registers that make their addresses, and those that it changes.
 *
 *   code --> decode.c    prefixes, VEX or EVEX, opcode, ModRM, SIB, displacement, immediate
 *              |
 *              +-------> maps.c      the cell of its opcode: read or written, how wide, what
 * follows
 *              v
 *            effects.c   operands, and the registers that it changes
 *            aligned.c   whether it asks for memory that is aligned
 *
 *   watch           the access after which a debug register stopped a thread: by the state after it
 *   trace/crash     the registers that a failed instruction took its address from; what it would
 *                   have done with memory that is not aligned
 *   report          the bytes that a stopped instruction touches
 *
 * Its users ask what they cannot see, so unknown instructions are never taken for others, and the
 * width of an access is never given too small: an operand is exact, or at most so wide, or unknown.
 * Nobody is called: not libc, nor another room.
 *
 * Thread and signal safety: pure. */
#ifndef HAK_DECODE_H
#define HAK_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "attributes.h"

enum { HAK_DECODE_LONGEST = 15, /* bytes of an instruction */ HAK_DECODE_OPERANDS = 2 };

/* The use that an instruction makes of the 16 bytes of its operand, which it takes at a multiple of
 * 16 alone. */
enum hak_aligned {
    HAK_ALIGNED_NOT,       /* it takes them anywhere, or other ones, or is not known to */
    HAK_ALIGNED_LOAD,      /* into a vector register: movaps, movapd, movdqa, movntdqa */
    HAK_ALIGNED_STORE,     /* out of it: these, movntps, movntpd, movntdq */
    HAK_ALIGNED_OPERATION, /* changes a vector register, or the flags, by them: SSE without VEX */
    HAK_ALIGNED_EXCHANGE,  /* cmpxchg16b */
};

/* Bytes of memory. One that is neither read nor written is lea's, a nop's or a prefetch's. */
struct hak_operand {
    bool reads, writes;
    bool is_exact;   /* exactly `bytes` bytes; else at most */
    bool is_unknown; /* its address is made of something else, or its width is larger than any */
    unsigned bytes;
    /* The address before the instruction: registers by DWARF's numbers, -1 = none. */
    int base, index;
    unsigned scale;
    int64_t displacement;
    bool is_of_rip; /* relative to the instruction's end */
    bool is_narrow; /* of 32 bits */
    int moves;      /* by so many bytes the base has moved after it; of a string upwards */
};

struct hak_decoded {
    unsigned length; /* bytes */
    bool is_jump;    /* or call, or return: no thread stands behind one */
    bool is_string;
    bool is_repeated; /* is_string, with a prefix that repeats it */
    bool is_division; /* of integers of 4 or 8 bytes, in rdx and rax */
    bool is_loose;    /* a vector that need not be aligned is loaded */
    uint32_t changed; /* general registers that it changes, a bit for each of DWARF's numbers */
    int loaded;       /* the first bytes of this register are what was read, -1 = of none */
    int source;       /* the register that stands in place of the operand of ModRM, -1 = none */
    unsigned modrm_at, immediate; /* bytes in front of ModRM, 0 = it has none; bytes at the end */
    enum hak_aligned aligned;
    unsigned vector; /* unless aligned is HAK_ALIGNED_NOT: the vector register, 0 to 31 */
    bool is_vex;     /* the bytes of that register above 16 become zero when it is loaded */
    /* That of ModRM, if there is one, before that of the stack. */
    unsigned count;
    struct hak_operand operands[HAK_DECODE_OPERANDS];
};

/* DWARF's number of a general register by the processor's, 0 to 15. */
HAK_HIDDEN int hak_decode_register(unsigned number);

/* Decodes the instruction that begins at `code`, where `count` bytes can be read. False: there is
 * none, or it is longer than that; `decoded` has no operands then. */
HAK_HIDDEN bool hak_decode(const uint8_t *code, size_t count, struct hak_decoded *decoded);

/* The possible lengths of the instruction that ends at code + count, a bit for each. Its end does
 * not tell its beginning. But one of the first 15 bytes is a beginning, and decoding from each of
 * them leads into step with the rest soon: the last instruction of one of these ways was it. */
HAK_HIDDEN uint32_t hak_decode_lengths(const uint8_t *code, size_t count);

/* Writes the instruction `code`, whose decoding `decoded` is an aligned operation, with [rsi] as
 * its operand, which does the same with bytes that lie elsewhere. Returns its length. */
HAK_HIDDEN unsigned hak_decode_at_rsi(const uint8_t *code, const struct hak_decoded *decoded,
                                      uint8_t at_rsi[HAK_DECODE_LONGEST]);

#endif

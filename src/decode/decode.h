/* Decodes an instruction of x86-64 or AArch64: its length, the bytes of memory that it reads or
 * writes, the registers that make their addresses, and those that it changes.
 *
 *   x86-64
 *   code --> decode.c    prefixes, VEX or EVEX, opcode, ModRM, SIB, displacement, immediate
 *              |
 *              +-------> maps.c      the cell of its opcode: read or written, how wide, what
 * follows
 *              v
 *            effects.c   operands, and the registers that it changes
 *            aligned.c   whether it asks for memory that is aligned
 *
 *   AArch64
 *   four bytes --> aarch64.c   the row of its bits: the operand's address
 *                    |
 *                    v
 *                  aarch64_effects.c   read or written, how wide, and the registers it changes
 *
 *   operand.c       the address by the registers, of either
 *   registers.c     their names, of either
 *
 *   watch           the access after which a debug register stopped a thread: by the state after it
 *   trace/crash     the registers that a failed instruction took its address from; what it would
 *                   have done with memory that is not aligned
 *   report          the bytes that a stopped instruction touches
 *
 * Its users ask what they cannot see, so unknown instructions are never taken for others, and the
 * width of an access is never given too small: an operand is exact, or at most so wide, or unknown.
 * Nobody is called: not libc, nor another room. The caller chooses the processor: a viewer reads
 * what another machine recorded.
 *
 * Thread and signal safety: pure. */
#ifndef HAK_DECODE_H
#define HAK_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "attributes.h"

enum {
    HAK_DECODE_LONGEST = 15, /* bytes of an instruction */
    HAK_DECODE_OPERANDS = 2,
    HAK_DECODE_AARCH64_BYTES = 4,      /* of any instruction of AArch64 */
    HAK_DECODE_AARCH64_SP = 31,        /* DWARF's numbers: x0 to x30 are 0 to 30 */
    HAK_DECODE_AARCH64_REGISTERS = 32, /* with sp */
};

/* The processor whose instructions they are. */
enum hak_processor { HAK_PROCESSOR_X86_64, HAK_PROCESSOR_AARCH64, HAK_PROCESSORS };

/* The value that an index adds: its register, or the lower half of that with zeros or its sign. */
enum hak_index_part { HAK_INDEX_WHOLE, HAK_INDEX_UNSIGNED_HALF, HAK_INDEX_SIGNED_HALF };

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
    /* AArch64 alone. */
    enum hak_index_part index_part;
    int moved_by;    /* the register by which the base has moved besides, -1 = none */
    bool is_rounded; /* the address is rounded down to a multiple of `bytes` */
    bool is_tags;    /* it is not the bytes that are read or written, but their tags of MTE */
};

struct hak_decoded {
    unsigned length; /* bytes */
    bool is_jump;    /* or call, or return: no thread stands behind one */
    bool is_string;
    bool is_repeated; /* is_string, with a prefix that repeats it */
    bool is_division; /* of integers of 4 or 8 bytes, in rdx and rax */
    bool is_loose;    /* a vector that need not be aligned is loaded */
    /* General registers that it changes, a bit for each of DWARF's numbers. Of an instruction of
     * AArch64 that is no load, store or jump: perhaps one more. */
    uint32_t changed;
    int loaded;        /* the first bytes of this register are what was read, -1 = of none */
    int loaded_second; /* of AArch64: the register with the second half of it, -1 = of none */
    int source;        /* the register in place of the operand of ModRM, or that jumps; -1 = none */
    unsigned modrm_at, immediate; /* bytes in front of ModRM, 0 = it has none; bytes at the end */
    enum hak_aligned aligned;
    unsigned vector; /* unless aligned is HAK_ALIGNED_NOT: the vector register, 0 to 31 */
    bool is_vex;     /* the bytes of that register above 16 become zero when it is loaded */
    /* That of ModRM, if there is one, before that of the stack. */
    unsigned count;
    struct hak_operand operands[HAK_DECODE_OPERANDS];
};

/* The processor of an ELF machine (EM_*). False: it is another one's. */
HAK_HIDDEN bool hak_processor_of(unsigned elf, enum hak_processor *processor);
/* "x86-64", "aarch64". */
HAK_HIDDEN const char *hak_processor_name(enum hak_processor processor);
/* How many general registers it has, with the instruction pointer, which is the last one. */
HAK_HIDDEN unsigned hak_processor_registers(enum hak_processor processor);
/* "rax", "x0", by DWARF's number; "a register" for one that it has not. */
HAK_HIDDEN const char *hak_register_name(enum hak_processor processor, unsigned number);

/* DWARF's number of a general register by the processor's, 0 to 15. */
HAK_HIDDEN int hak_decode_register(unsigned number);

/* Decodes the instruction that begins at `code`, where `count` bytes can be read. False: there is
 * none, or it is longer than that; `decoded` has no operands then. */
HAK_HIDDEN bool hak_decode(const uint8_t *code, size_t count, struct hak_decoded *decoded);

/* The same for AArch64. DC ZVA clears `block_bytes` (of the processor that ran it, DCZID_EL0 says
 * how many; 0 = not known). False: there is none, or it is not known, or fewer than 4 bytes can be
 * read. Of SVE, SME and the copies and fills of FEAT_MOPS it is only known that they read or write.
 */
HAK_HIDDEN bool hak_decode_aarch64(const uint8_t *code, size_t count, unsigned block_bytes,
                                   struct hak_decoded *decoded);

/* The first byte of an operand that is not unknown. `registers` are as before the instruction, in
 * DWARF's order: 16 of x86-64, or 32 of AArch64. `end` is the address right past the instruction. A
 * tag in the top byte of an address of AArch64 stays there. */
HAK_HIDDEN uint64_t hak_operand_address(const struct hak_operand *operand,
                                        const uint64_t *registers, uint64_t end);

/* The operand's base after the instruction, by the registers before it; of one that has
 * none 0. A load into the base itself is not looked at. */
HAK_HIDDEN uint64_t hak_operand_moved_base(const struct hak_operand *operand,
                                           const uint64_t *registers);

/* The possible lengths of the instruction that ends at code + count, a bit for each. Its end does
 * not tell its beginning. But one of the first 15 bytes is a beginning, and decoding from each of
 * them leads into step with the rest soon: the last instruction of one of these ways was it. */
HAK_HIDDEN uint32_t hak_decode_lengths(const uint8_t *code, size_t count);

/* Writes the instruction `code`, whose decoding `decoded` is an aligned operation, with [rsi] as
 * its operand, which does the same with bytes that lie elsewhere. Returns its length. */
HAK_HIDDEN unsigned hak_decode_at_rsi(const uint8_t *code, const struct hak_decoded *decoded,
                                      uint8_t at_rsi[HAK_DECODE_LONGEST]);

#endif

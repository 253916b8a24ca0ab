/* An instruction of the program: its text, and the bytes that it touches.
 *
 *   code, where it lies   --> libcapstone (disassembler.c) --> text, length
 *        |
 *        +----------------> decode/decode.h --> operands, where it is as long
 *                                                     |
 *   registers, flags      ------------------> which bytes, read or written: touches
 *                                                     |
 *   the address at which the processor stopped it --> the touch that it belongs to
 *
 * libcapstone is optional: it is loaded when the first instruction is looked at, and never linked.
 * Of operands whose bytes are not known exactly nothing is said. Nor of tags of MTE. Code,
 * registers and flags are a dying program's and may hold anything. For one thread. */
#ifndef HAK_REPORT_INSTRUCTION_INSTRUCTION_H
#define HAK_REPORT_INSTRUCTION_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "decode/decode.h"

#define HAK_INSTRUCTION_BYTES   15 /* the longest one */
#define HAK_INSTRUCTION_TEXT    200
#define HAK_INSTRUCTION_TOUCHES 2

enum {
    HAK_TOUCHES_READ = 1,
    HAK_TOUCHES_WRITE = 2,
};

/* Bytes that an instruction reads or writes. */
struct hak_touch {
    uint64_t address;
    uint32_t bytes;
    unsigned ways;   /* HAK_TOUCHES_* */
    int base, index; /* the registers that make the address, DWARF's numbers; -1 = none */
    unsigned scale;  /* the index is multiplied by */
    bool is_of_rip;  /* the address is relative to the instruction's own */
};

/* The state at its stop. */
struct hak_machine {
    const uint64_t *registers; /* of the request, DWARF's order */
    uint64_t flags;            /* rflags; 0 = not known */
    enum hak_processor processor;
    unsigned block_bytes; /* of AArch64: cleared by DC ZVA; 0 = not known */
};

struct hak_instruction {
    uint64_t address;
    uint8_t code[HAK_INSTRUCTION_BYTES];
    uint8_t length;
    char text[HAK_INSTRUCTION_TEXT];
    struct hak_touch touches[HAK_INSTRUCTION_TOUCHES];
    int touch_count;    /* 0 = none, or not known */
    bool is_repeated;   /* a string instruction with a prefix that repeats it */
    bool has_direction; /* a string instruction, and the flags are known: */
    bool is_downwards;
    uint64_t left;    /* is_repeated: how many elements, this one included, were left at most */
    bool is_division; /* of integers of 4 or 8 bytes, in rdx and rax: */
    int divisor;      /* the register that they are divided by, DWARF's number, -1 = memory */
};

/* True when libcapstone could be loaded. */
bool hak_disassembler_is_there(void);
/* The Debian package that has the libcapstone that hakmem was built for. */
extern const char hak_disassembler_package[];

/* The instruction at `address`; `count` bytes from there are at `code`; the machine is as before
 * it. False: there is no disassembler, or it does not know the instruction. */
bool hak_instruction_at(struct hak_instruction *out, const uint8_t *code, size_t count,
                        uint64_t address, const struct hak_machine *machine);

/* The instruction after which a debug register stopped the thread, which read or wrote (`ways`) at
 * `touched`: it ends at code + before, or is a repeated one that begins there and is not through.
 * `code` has `count` bytes and lies at `address`; the machine is as after it. False: as above, or
 * it is not certain which one it was, or the processor is another than x86-64. */
bool hak_instruction_behind(struct hak_instruction *out, const uint8_t *code, size_t count,
                            size_t before, uint64_t address, uint64_t touched, unsigned ways,
                            const struct hak_machine *machine);

/* The touch that the processor refused without saying where: a byte of it has an address that it
 * does not take, or it is a vector's that is not aligned. NULL: none, or more than one. */
const struct hak_touch *hak_instruction_refused(const struct hak_instruction *instruction);
bool hak_touch_is_misaligned(const struct hak_touch *touch);

/* The touch that holds `address`; `ways` are those that the processor reports, 0 = none. NULL: it
 * is not known, or more than one is possible. */
const struct hak_touch *hak_instruction_touch(const struct hak_instruction *instruction,
                                              uint64_t address, unsigned ways);

#endif

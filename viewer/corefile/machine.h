/* The machine that a core is of: where its notes keep a thread's registers, and where a thread's
 * data lie. Never the host's: a core is read on any machine. */
#ifndef HAK_VIEWER_COREFILE_MACHINE_H
#define HAK_VIEWER_COREFILE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CORE_GENERAL_MOST = 32,
    CORE_VECTOR_MOST = 64,
    CORE_WORDS_MOST = CORE_GENERAL_MOST + CORE_VECTOR_MOST,
    CORE_NO_REGISTER = 255,
};

struct core_machine {
    uint16_t elf; /* EM_* */
    const char *name;
    /* NT_PRSTATUS: its bytes, and indices of its 64-bit registers. */
    uint16_t status_bytes;
    uint8_t ip, sp;
    uint8_t tp; /* CORE_NO_REGISTER: a note of its own, NT_ARM_TLS */
    uint8_t general_count;
    uint8_t general[CORE_GENERAL_MOST]; /* those that may keep a block */
    /* NT_FPREGSET: where halves of vector registers lie, and how many. */
    uint16_t vectors_at, vector_count;
    uint16_t red_zone_bytes;
    uint8_t dtv_word;  /* behind the thread pointer */
    bool tls_is_above; /* the thread pointer; else below */
    uint64_t tag_bits; /* of a pointer: no part of its address (memory tags) */
};

/* NULL: cores of that machine are not read. */
const struct core_machine *core_machine_of(uint16_t elf);

/* Offsets that are the same in NT_PRSTATUS of every 64-bit machine. */
enum { CORE_STATUS_SIGNAL = 12, CORE_STATUS_PID = 32, CORE_STATUS_REGISTERS = 112 };

#endif

/* The registers of a thread that a signal has stopped, in the frame from which it gets them back.
 *
 * Thread and signal safety: the frame is the caller's; nothing else is touched. */
#ifndef HAK_TRACE_CRASH_FRAME_H
#define HAK_TRACE_CRASH_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>
#include "arch.h"
#include "attributes.h"

#if HAK_HAS_ALIGNED_ACCESSES

enum {
    HAK_VECTOR_BYTES = 16,
    HAK_LEGACY_BYTES = 512, /* as FXSAVE writes them */
    HAK_MXCSR_AT = 24,
    HAK_VECTORS_AT = 160,
};

struct hak_signal_frame {
    greg_t *general;
    uint8_t *legacy;
    bool is_extended; /* XSAVE's other parts follow */
};

/* False: it has no vectors. */
HAK_HIDDEN bool hak_frame_find(ucontext_t *context, struct hak_signal_frame *frame);

/* The lowest 16 bytes of vector register `number`, 0 to 31. `clears_above`: the others become zero,
 * as with VEX; always so from 16 on. */
HAK_HIDDEN void hak_frame_read_vector(const struct hak_signal_frame *frame, unsigned number,
                                      uint8_t value[HAK_VECTOR_BYTES]);
HAK_HIDDEN void hak_frame_write_vector(const struct hak_signal_frame *frame, unsigned number,
                                       const uint8_t value[HAK_VECTOR_BYTES], bool clears_above);

/* Copies what FXRSTOR loads. */
HAK_HIDDEN void hak_frame_copy_legacy(const struct hak_signal_frame *frame,
                                      uint8_t to[HAK_LEGACY_BYTES]);

#endif

#endif

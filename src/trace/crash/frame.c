/* Reads and writes vector registers in the frame of a signal, which has them as XSAVE writes them:
 * a part that is not marked there as used is zero, and is not restored (Intel's Software
 * Developer's Manual, volume 1, chapter 13). */
#include "trace/crash/frame.h"

#include <string.h>
#if HAK_HAS_ALIGNED_ACCESSES

#include HAK_ARCH_FILE(xsave.h)

enum {
    SOFTWARE_AT = 464, /* what the kernel says of the rest */
    USED_AT = 512,     /* of XSAVE's header: a bit for each part */
    HIGH_HALVES_AT = 576,
    HIGH_HALF_BYTES = 16,
    UPPER_BYTES = 32, /* of a vector of 64 */
    ALL_BYTES = 64,
    LOW_VECTORS = 16, /* that are there without AVX-512 */
    MAGIC = 0x46505853,
};
enum { USED_SSE = 1 << 1, USED_AVX = 1 << 2, USED_UPPER = 1 << 6, USED_HIGH = 1 << 7 };

bool hak_frame_find(ucontext_t *context, struct hak_signal_frame *frame) {
    uint32_t magic;
    frame->general = context->uc_mcontext.gregs;
    frame->legacy = (uint8_t *)context->uc_mcontext.fpregs;
    if (!frame->legacy)
        return false;
    memcpy(&magic, frame->legacy + SOFTWARE_AT, sizeof magic);
    frame->is_extended = magic == MAGIC;
    return true;
}

static uint64_t used_of(const struct hak_signal_frame *frame) {
    uint64_t used = USED_SSE;
    if (frame->is_extended)
        memcpy(&used, frame->legacy + USED_AT, sizeof used);
    return used;
}

static void note_used(const struct hak_signal_frame *frame, uint64_t parts) {
    uint64_t used = used_of(frame) | parts;
    if (frame->is_extended)
        memcpy(frame->legacy + USED_AT, &used, sizeof used);
}

static uint8_t *part_of(const struct hak_signal_frame *frame, unsigned part) {
    return frame->legacy + hak_xsave_place_of(part).start;
}

void hak_frame_read_vector(const struct hak_signal_frame *frame, unsigned number,
                           uint8_t value[HAK_VECTOR_BYTES]) {
    uint64_t used = used_of(frame);
    bool is_low = number < LOW_VECTORS;
    memset(value, 0, HAK_VECTOR_BYTES);
    if (is_low && (used & USED_SSE))
        memcpy(value, frame->legacy + HAK_VECTORS_AT + number * HAK_VECTOR_BYTES, HAK_VECTOR_BYTES);
    else if (!is_low && (used & USED_HIGH))
        memcpy(value, part_of(frame, 7) + (number - LOW_VECTORS) * ALL_BYTES, HAK_VECTOR_BYTES);
}

/* The vectors of a part that was not used are zero. */
void hak_frame_write_vector(const struct hak_signal_frame *frame, unsigned number,
                            const uint8_t value[HAK_VECTOR_BYTES], bool clears_above) {
    uint64_t used = used_of(frame);
    if (number >= LOW_VECTORS) {
        uint8_t *vectors = part_of(frame, 7), *to = vectors + (number - LOW_VECTORS) * ALL_BYTES;
        memset((used & USED_HIGH) ? to : vectors, 0,
               (used & USED_HIGH) ? ALL_BYTES : LOW_VECTORS * ALL_BYTES);
        memcpy(to, value, HAK_VECTOR_BYTES);
        note_used(frame, USED_HIGH);
        return;
    }
    if (!(used & USED_SSE))
        memset(frame->legacy + HAK_VECTORS_AT, 0, LOW_VECTORS * HAK_VECTOR_BYTES);
    memcpy(frame->legacy + HAK_VECTORS_AT + number * HAK_VECTOR_BYTES, value, HAK_VECTOR_BYTES);
    note_used(frame, USED_SSE);
    if (clears_above && (used & USED_AVX) && frame->is_extended)
        memset(frame->legacy + HIGH_HALVES_AT + number * HIGH_HALF_BYTES, 0, HIGH_HALF_BYTES);
    if (clears_above && (used & USED_UPPER) && frame->is_extended)
        memset(part_of(frame, 6) + number * UPPER_BYTES, 0, UPPER_BYTES);
}

void hak_frame_copy_legacy(const struct hak_signal_frame *frame, uint8_t to[HAK_LEGACY_BYTES]) {
    memcpy(to, frame->legacy, HAK_LEGACY_BYTES);
    if (!(used_of(frame) & USED_SSE))
        memset(to + HAK_VECTORS_AT, 0, LOW_VECTORS * HAK_VECTOR_BYTES);
}

#endif

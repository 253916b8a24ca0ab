/* The identity of a finding: its fingerprint, and the stack where its block was allocated. */
#include "report/page/parts.h"

#include "report/known/known.h"

int report_load_allocated(struct hak_frames *out, const struct report_page *page) {
    *out = (struct hak_frames){0};
    if (!page->words)
        return 0;
    return hak_frames_copy(out, page->alloc_frames.frame, page->alloc_frames.count);
}

void report_fingerprint(char out[HAK_FINGERPRINT_BYTES], const struct report_page *page,
                        const struct hak_frames *allocated) {
    /* Damage is found where the block is freed, used again or swept; it belongs to the block. */
    const struct hak_frames *frames =
        hak_fault_is_damage(page->facts->fault) && allocated->count > 0 ? allocated : &page->frames;
    hak_fingerprint(out, page->words ? page->words->code : 0, page->context.signal, frames->frame,
                    frames->count);
}

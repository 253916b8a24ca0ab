/* The two parts of an entry of .eh_frame: a CIE for many functions, and an FDE for one. Shared by
 * the files that read call frame information; cfi.h is what others see. */
#ifndef HAK_UNWIND_CFI_ENTRY_H
#define HAK_UNWIND_CFI_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "unwind/cfi_cursor.h"
#include "platform/objects.h"

/* Facts that a CIE gives for all its FDEs. */
struct cfi_common {
    uint64_t code_align;
    int64_t data_align;
    uint64_t return_register;
    uint8_t pointer_encoding;
    bool sized_augmentation; /* augmentation data begins with its length */
    bool signal_frame;
    struct cursor instructions;
};

/* The FDE that covers the pc. */
struct cfi_description {
    uintptr_t start;
    struct cursor instructions;
};

/* Finds the FDE that covers `pc` in `object`, and its CIE. Returns false when there is none. Reads
 * only the module's memory; async-signal-safe. */
HAK_HIDDEN bool hak_cfi_find_entry(const struct hak_object *object, uintptr_t pc,
                                   struct cfi_common *common, struct cfi_description *description);

#endif

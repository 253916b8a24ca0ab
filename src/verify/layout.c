/* The table of layout.h: the compiler fills in offsets and lengths, the assembler where the
 * variables lie, and a note of the module says where to find both. */
#include "layout.h"

#include <stddef.h>
#include "front/thread_block.h"
#include "front/tune.h"
#include "hop.h"
#include "options.h"
#include "large_map/address_map.h"
#include "large/shard.h"
#include "large/spare.h"
#include "mid/segments.h"
#include "platform/own.h"
#include "slab/tune.h"
#include "text_of.h"
#include "trace/control.h"
#include "trace/memory/memory.h"
#include "trace/node.h"
#include "trace/stacks/stacks.h"
#include "version.h"

/* Named by the note below. */
struct table {
    struct hak_layout head;
    struct hak_layout_entry entries[HAK_LAYOUT_IDS];
};
HAK_HIDDEN extern const struct table hak_layout_table;

__attribute__((used)) const struct table hak_layout_table = {
    .head =
        {
            .version = HAK_LAYOUT_VERSION,
            .half = hak_is_debug_build   ? HAK_LAYOUT_CHECKS
                    : hak_is_light_build ? HAK_LAYOUT_LIGHT
                                         : HAK_LAYOUT_PLAIN,
            .count = HAK_LAYOUT_IDS,
            .entry_bytes = sizeof(struct hak_layout_entry),
            .built = HAK_VERSION,
        },
    .entries =
        {
#define FIELD(name, type, field)                                                                   \
    {#name "." #field, offsetof(type, field), sizeof((type *)NULL)->field},
#define WHOLE(name, type)  {#name ".bytes", sizeof(type), 0},
#define VALUE(name, value) {#name, value, 0},
#include "layout.def"
        },
};

/* The note has 64 bytes, so that the tables of the dynamic linker that follow it lie in their lines
 * as they did without it. */
__asm__(".pushsection .rodata.hak_layout_roots,\"a\"\n"
        "1:\n"
#define ROOT(name, symbol)       ".quad " #symbol " - .\n.asciz \"" #name "\"\n"
#define DEBUG_ROOT(name, symbol) ".weak " #symbol "\n.hidden " #symbol "\n" ROOT(name, symbol)
#include "layout.def"
        "2: .popsection\n"
        ".pushsection " HAK_LAYOUT_SECTION ",\"a\",@note\n"
        ".balign 4\n"
        ".long " HAK_TEXT_OF(HAK_LAYOUT_OWNER_BYTES) ", 44, " HAK_TEXT_OF(
            HAK_LAYOUT_NOTE) "\n"
                             ".asciz \"" HAK_LAYOUT_OWNER "\"\n"
                             ".balign 4\n"
                             "3: .quad hak_layout_table - 3b\n"
                             ".quad 1b - 3b\n"
                             ".quad 2b - 1b\n"
                             ".skip 20\n"
                             ".popsection\n");

/* Writes the lines of HAKMEM_SS_ACQUIRE_DEBUG. */
#include "pool/log.h"

#include "platform/line.h"

/* Writes "SuperSlab ADDRESS `what`" on stderr, with the owner if it is a heap. hak_pool_log asks
 * first whether logging is on. */
void hak_pool_write_line(const char *what, const void *superslab, hak_owner_t owner) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: SuperSlab ");
    hak_line_hex(&line, (uintptr_t)superslab);
    hak_line_add(&line, " ");
    hak_line_add(&line, what);
    if (owner != HAK_OWNER_NOBODY && owner != HAK_OWNER_RESERVE)
        hak_line_say(&line, " by heap ", owner, "");
    hak_line_end(&line);
}

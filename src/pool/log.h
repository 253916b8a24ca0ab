/* HAKMEM_SS_ACQUIRE_DEBUG: one line on stderr for each SuperSlab that is mapped, taken, kept or
 * unmapped. */
#ifndef HAK_POOL_LOG_H
#define HAK_POOL_LOG_H

#include "options.h"
#include "platform/registry.h"

HAK_HIDDEN HAK_COLD void hak_pool_write_line(const char *what, const void *superslab,
                                             hak_owner_t owner);

/* `what` happened to the SuperSlab; `owner` is its heap, or none. */
static inline void hak_pool_log(const char *what, const void *superslab, hak_owner_t owner) {
    if (HAK_UNLIKELY(hak_options.acquire_debug))
        hak_pool_write_line(what, superslab, owner);
}

#endif

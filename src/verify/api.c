/* The functions of hakmem.h: what a program may ask beyond malloc and its family. */
#include "hakmem.h"

#include "border.h"
#include "front/figures.h"
#include "front/front.h"
#include "large/large.h"
#include "light.h"
#include "verify/verify.h"

/* Of the other half of hakmem-debug.so (light.h); unit tests have none. */
HAK_HIDDEN size_t light_hak_verify(void) __attribute__((weak));
HAK_HIDDEN size_t light_hak_read_stats(struct hak_stats *stats, size_t bytes) __attribute__((weak));

/* Compares all structures and sweeps the blocks' borders: prints what is wrong and returns how
 * much. */
HAK_EXPORT size_t hak_verify(void) {
    if (hak_light_serves())
        return light_hak_verify() + check_sweep();
    size_t disagreements = hak_verify_all();
    return disagreements + check_sweep();
}

HAK_EXPORT void hak_mark(const char *name) {
    if (name)
        check_mark(name);
}

HAK_EXPORT void hak_pool_name(const void *block, const char *name) {
    if (block && name)
        check_pool_name(block, name);
}

/* The heap whose memory holds the pointer, HAK_OWNER_OF_LARGE, or 0: not hakmem's. */
HAK_EXPORT unsigned hak_owner(const void *pointer) {
    if (hak_light_serves() && !hak_light_covers(pointer))
        return light_hak_owner(pointer);
    hak_owner_t owner = hak_registry_owner(pointer);
    if (owner == HAK_OWNER_RESERVE)
        return 0;
    if (owner != HAK_OWNER_NOBODY)
        return owner;
    return pointer && hak_large_containing(pointer) ? HAK_OWNER_OF_LARGE : 0;
}

/* Copies up to `bytes` bytes of the figures, for callers compiled with an older struct. Returns how
 * many. */
HAK_EXPORT size_t hak_read_stats(struct hak_stats *stats, size_t bytes) {
    if (hak_light_serves())
        return light_hak_read_stats(stats, bytes);
    struct hak_figures figures;
    struct hak_stats now = {0};
    if (hak_thread.state != HAK_THREAD_NEW) {
        hak_figures_take(&figures);
        now.large_blocks = hak_large_count(&now.large_bytes);
        now.mapped_bytes = figures.superslab_bytes + now.large_bytes;
        now.live_bytes = figures.live_bytes + now.large_bytes;
        now.cached_bytes = figures.cached_bytes;
        now.unused_bytes = figures.unused_bytes;
    }
    if (bytes > sizeof now)
        bytes = sizeof now;
    __builtin_memcpy(stats, &now, bytes);
    return bytes;
}

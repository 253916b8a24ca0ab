/* Keeps mappings of large blocks for reuse: sixteen places in the order of their coming. */
#include "large/spare.h"

#include "hop.h"
#include "large/held.h"

struct spare {
    void *start;
    size_t bytes;
};

struct hak_lock hak_spare_lock;

static struct spare spares[HAK_SPARE_PLACES]; /* the oldest first */
static unsigned count;
static size_t kept_bytes;

static struct spare remove_at(unsigned place) {
    struct spare spare = spares[place];
    count--;
    kept_bytes -= spare.bytes;
    for (unsigned i = place; i < count; i++)
        spares[i] = spares[i + 1];
    return spare;
}

void hak_spare_keep(void *start, size_t bytes) {
    if (hak_is_debug_build || bytes > HAK_SPARE_MAX_BYTES) {
        hak_held_unmap(start, bytes);
        return;
    }
    struct spare dropped[HAK_SPARE_PLACES];
    unsigned drops = 0;
    hak_lock(&hak_spare_lock);
    while (count == HAK_SPARE_PLACES || kept_bytes + bytes > HAK_SPARE_BYTES)
        dropped[drops++] = remove_at(0);
    spares[count++] = (struct spare){start, bytes};
    kept_bytes += bytes;
    hak_unlock(&hak_spare_lock);
    while (drops > 0) {
        drops--;
        hak_held_unmap(dropped[drops].start, dropped[drops].bytes);
    }
}

void *hak_spare_take(size_t bytes, size_t *mapped_bytes) {
    if (hak_is_debug_build || bytes > HAK_SPARE_MAX_BYTES)
        return NULL;
    struct spare found = {0};
    hak_lock(&hak_spare_lock);
    /* The youngest that fits: its pages are the warmest. */
    for (unsigned i = count; i-- > 0 && !found.start;)
        if (spares[i].bytes >= bytes && spares[i].bytes <= bytes + bytes / 4)
            found = remove_at(i);
    hak_unlock(&hak_spare_lock);
    *mapped_bytes = found.bytes;
    return found.start;
}

size_t hak_spare_trim(void) {
    size_t bytes = 0;
    for (;;) {
        struct spare spare = {0};
        hak_lock(&hak_spare_lock);
        if (count)
            spare = remove_at(count - 1);
        hak_unlock(&hak_spare_lock);
        if (!spare.start)
            return bytes;
        hak_held_unmap(spare.start, spare.bytes);
        bytes += spare.bytes;
    }
}

bool hak_spare_holds(const void *p) {
    hak_lock(&hak_spare_lock);
    bool holds = hak_held_holds(p);
    for (unsigned i = 0; i < count; i++)
        holds |= (uintptr_t)p - (uintptr_t)spares[i].start < spares[i].bytes;
    hak_unlock(&hak_spare_lock);
    return holds;
}

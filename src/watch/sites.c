/* Prefers blocks of sites that were seldom watched, so that a site which allocates one block in a
 * thousand is watched as often as the busy ones; and before all, those of sites at whose blocks
 * damage was found. */
#include <stddef.h>
#include "watch/watch.h"

enum { PATIENCE = 32, MOST_TIMES = 255 };

bool hak_watch_is_turn(struct hak_watch_sites *sites, uint32_t stack) {
    if (sites->times[hak_watch_site(stack)] <= sites->level)
        return true;
    if (++sites->passed < PATIENCE)
        return false;
    if (sites->level < MOST_TIMES)
        sites->level++;
    return true;
}

/* Halves what was counted, so that what comes later counts, too. A site stays known. */
static void halve(struct hak_watch_sites *sites) {
    for (unsigned i = 0; i < HAK_WATCH_SITES; i++)
        sites->times[i] = (uint8_t)((sites->times[i] + 1) / 2);
    sites->level /= 2;
}

unsigned hak_watch_count_site(struct hak_watch_sites *sites, uint32_t stack) {
    uint8_t *times = &sites->times[hak_watch_site(stack)];
    unsigned before = *times;
    sites->passed = 0;
    if (hak_watch_suspect_of(sites, stack))
        return 0;
    if (before == MOST_TIMES)
        halve(sites);
    ++*times;
    return before;
}

/* Notes an allocation stack whose blocks are to be watched first, on this side. Any thread: of two
 * that come at once, one may be lost. */
void hak_watch_suspect(struct hak_watch_sites *sites, uint32_t stack, uint8_t side) {
    struct hak_watch_suspect *suspect =
        (struct hak_watch_suspect *)hak_watch_suspect_of(sites, stack);
    if (!suspect)
        suspect = &sites->suspects[sites->suspect_count++ % HAK_WATCH_SUSPECTS];
    *suspect = (struct hak_watch_suspect){stack, side, true};
    sites->times[hak_watch_site(stack)] = 0;
}

const struct hak_watch_suspect *hak_watch_suspect_of(const struct hak_watch_sites *sites,
                                                     uint32_t stack) {
    for (unsigned i = 0; i < HAK_WATCH_SUSPECTS; i++)
        if (sites->suspects[i].is_there && sites->suspects[i].stack == stack)
            return &sites->suspects[i];
    return NULL;
}

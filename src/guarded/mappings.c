/* Reads vm.max_map_count, once. */
#include "guarded/mappings.h"

#include <stdatomic.h>
#include "platform/platform.h"

enum { USUAL_MAPS = 65530 }; /* Linux's default */

static int32_t read_most_mappings(void) {
    char text[32];
    long file = hak_open("/proc/sys/vm/max_map_count");
    long got = file < 0 ? 0 : hak_read(file, text, sizeof text);
    if (file >= 0)
        hak_close(file);
    int64_t number = 0;
    for (long i = 0; i < got && text[i] >= '0' && text[i] <= '9' && number < USUAL_MAPS; i++)
        number = number * 10 + (text[i] - '0');
    if (number > USUAL_MAPS || got <= 0)
        number = USUAL_MAPS;
    return (int32_t)(number > 0 ? number : 1);
}

int32_t hak_most_mappings(void) {
    static _Atomic int32_t most; /* 0 = not known yet */
    int32_t known = atomic_load_explicit(&most, memory_order_relaxed);
    if (HAK_UNLIKELY(known == 0)) {
        known = read_most_mappings();
        atomic_store_explicit(&most, known, memory_order_relaxed);
    }
    return known;
}

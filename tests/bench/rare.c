/* A program with a heap fault at one of its sites: `rare KIND SITES CALLS PART TENTH [SEED]`.
 *
 * SITES places allocate CALLS blocks in all, in random order, and give them back a little later.
 * The last place makes one in PART of them; of its blocks one in TENTH is overrun by 8 bytes (KIND
 * write), or read after its free (KIND read), or none is (KIND none). At its end it prints how many
 * blocks level light guarded, and the nanoseconds that they took. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hakmem.h"

enum { KEPT = 64, SITES_MOST = 20 };

static uint64_t state;
static uint32_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

#define SITE(n)                                                                                    \
    static __attribute__((noinline)) char *site_##n(size_t bytes) {                                \
        char *block = malloc(bytes);                                                               \
        block[0] = (char)n;                                                                        \
        return block;                                                                              \
    }
/* clang-format off */
SITE(0) SITE(1) SITE(2) SITE(3) SITE(4) SITE(5) SITE(6) SITE(7) SITE(8) SITE(9)
SITE(10) SITE(11) SITE(12) SITE(13) SITE(14) SITE(15) SITE(16) SITE(17) SITE(18) SITE(19)
    /* clang-format on */
    static char *(*const sites[SITES_MOST])(size_t) = {
        site_0,  site_1,  site_2,  site_3,  site_4,  site_5,  site_6,  site_7,  site_8,  site_9,
        site_10, site_11, site_12, site_13, site_14, site_15, site_16, site_17, site_18, site_19};

static char *kept[KEPT];

static void misuse(const char *kind, char *block, size_t bytes) {
    if (strcmp(kind, "write") == 0)
        memset(block + bytes, 1, 8);
    free(block);
    if (strcmp(kind, "read") == 0)
        (void)*(volatile char *)block;
}

int main(int count, char **arguments) {
    if (count < 6)
        return 2;
    const char *kind = arguments[1];
    unsigned site_count = (unsigned)atoi(arguments[2]), part = (unsigned)atoi(arguments[4]);
    unsigned long calls = strtoul(arguments[3], NULL, 10), tenth = strtoul(arguments[5], NULL, 10);
    unsigned long bad = 0;
    state = 0x9e3779b97f4a7c15u + (count > 6 ? strtoul(arguments[6], NULL, 10) * 77777 : 0);
    for (unsigned long i = 0; i < calls; i++) {
        uint32_t random = next_random();
        size_t bytes = 16 + (random >> 8 & 15) * 16;
        if (random % part == 0) {
            char *block = sites[site_count - 1](bytes);
            if (++bad % tenth == 0)
                misuse(kind, block, bytes);
            else
                free(block);
            continue;
        }
        char **place = &kept[random >> 16 & (KEPT - 1)];
        free(*place);
        *place = sites[random / 7 % (site_count - 1)](bytes);
    }
    struct hak_stats stats = {0};
    if (hak_read_stats)
        (void)hak_read_stats(&stats, sizeof stats);
    printf("%llu %llu\n", (unsigned long long)stats.guarded_so_far,
           (unsigned long long)stats.guard_ns);
    return 0;
}

/* Allocates from known sites at random, keeps exact sums of each, and compares the heap profile of
 * its own process with them at its end.
 *
 *   exact SEED CALLS [LIMIT]   prints "SITE what exact estimated errors samples", where `errors` is
 *                              how many standard errors lie between them, and exits with 1 where
 *                              one is less likely than LIMIT standard errors of a normal variable
 *
 *   sizes                      prints how long the blocks of some sizes may become where they lie:
 *                              programs ask that, and go on with another block or with this one
 *
 * The standard error of a sum over blocks is sqrt(sum of x^2 (1 - p) / p), which the program knows
 * exactly, as it knows each block's probability p (docs/specs/heap-profile.md). But the sum is not
 * normal: one sample of a block of few bytes stands for 100,000 of them. By Bernstein's inequality
 * the chance of a distance t is at most 2 exp(-k^2 / 2), where k^2 = t^2 / (V + m t / 3), V is the
 * variance, and m the most that one block can add to the distance: x (1 - p) / p. LIMIT is of k. */
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../src/heap_profile/table.h"

enum { SITES = 10, HELD = 20000, LOOK_BYTES = 2048, GAP = 256, SAMPLES_MIN = 50 };

static double rate;
static uint64_t state;

static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

/* Sums over the blocks of a site, their variances, and the most that a single block adds. */
struct sums {
    double blocks, bytes, blocks_variance, bytes_variance, blocks_most, bytes_most;
};
static struct exact {
    const char *name;
    struct sums came, live;
} exact[SITES];

/* 1 - exp(-x): of a small part of x by its series, and doubled as often as x was halved. */
static double chance_of_point(double x) {
    int halvings = 0;
    for (; x > 1e-3; x /= 2)
        halvings++;
    double p = x - x * x / 2 + x * x * x / 6;
    for (; halvings > 0; halvings--)
        p = p * (2 - p);
    return p;
}

static double chance_of(size_t bytes) {
    if (bytes > LOOK_BYTES)
        return chance_of_point((double)bytes / rate);
    double gap = rate / LOOK_BYTES < GAP ? (double)(long)(rate / LOOK_BYTES) : GAP;
    double taken = (double)(bytes ? bytes : 1) * gap / rate;
    return (taken < 1 ? taken : 1) / gap;
}

static double root_of(double square) {
    double root = square > 1 ? square : 1;
    for (int i = 0; i < 60; i++)
        root = (root + square / root) / 2;
    return root;
}

static void add(struct sums *sums, size_t bytes, double sign) {
    double p = chance_of(bytes), spread = (1 - p) / p;
    sums->blocks += sign;
    sums->bytes += sign * (double)bytes;
    sums->blocks_variance += sign * spread;
    sums->bytes_variance += sign * spread * (double)bytes * (double)bytes;
    if (sums->blocks_most < spread)
        sums->blocks_most = spread;
    if (sums->bytes_most < spread * (double)bytes)
        sums->bytes_most = spread * (double)bytes;
}

/* ---- sites ----------------------------------------------------------------------------------- */

struct held {
    void *block;
    size_t bytes;
    int site;
};
static struct held held[HELD];

#define SITE(name, expression)                                                                     \
    static __attribute__((noinline)) void *name(size_t bytes) {                                    \
        void *block = expression;                                                                  \
        __asm__ volatile("" : "+r"(block));                                                        \
        return block;                                                                              \
    }
static void *aligned(size_t alignment, size_t bytes) {
    void *block = NULL;
    return posix_memalign(&block, alignment, bytes) == 0 ? block : NULL;
}
SITE(take_16, malloc(bytes))
SITE(take_200, malloc(bytes))
SITE(take_any_small, malloc(bytes))
SITE(take_3000, malloc(bytes))
SITE(take_20000, malloc(bytes))
SITE(take_million, malloc(bytes))
SITE(take_zeroed, calloc(1, bytes))
SITE(take_aligned, aligned(64, bytes))
SITE(take_resized, realloc(malloc(1 + bytes / 4), bytes))
/* A buffer that its program fills as far as malloc_usable_size goes, and resizes only then; the
 * size that was asked for last. */
static size_t filled_bytes;
static __attribute__((noinline)) void *take_filled(size_t bytes) {
    char *block = NULL;
    for (size_t used = 800; used <= bytes; used += 800)
        if (!block || used > malloc_usable_size(block)) {
            block = realloc(block, used);
            add(&exact[SITES - 1].came, used, 1);
            filled_bytes = used;
        }
    return block;
}
SITE(take_end, malloc(bytes))

static void *(*const sites[SITES + 1])(size_t) = {
    take_16,     take_200,     take_any_small, take_3000,   take_20000, take_million,
    take_zeroed, take_aligned, take_resized,   take_filled, take_end};
static const char *const names[SITES] = {"16",      "200",    "any_small", "3000",    "20000",
                                         "million", "zeroed", "aligned",   "resized", "filled"};

static size_t bytes_for(int site) {
    switch (site) {
    case 0:
        return 16;
    case 1:
        return 200;
    case 2:
        return random_bits() % 2049;
    case 3:
        return 3000;
    case 4:
        return 20000;
    case 5:
        return 1000000;
    case 6:
        return random_bits() % 8 ? random_bits() % 1000 : random_bits() % 40000;
    case 7:
        return 1 + random_bits() % 6000;
    case 8:
        return 100 + random_bits() % 60000;
    default:
        return 8000;
    }
}

/* Large blocks are rare, so that the sites have some part of the bytes each. */
static int next_site(void) {
    uint64_t number = random_bits() % 10000;
    return number < 5200   ? 0
           : number < 7700 ? 1
           : number < 8600 ? 2
           : number < 8900 ? 3
           : number < 8930 ? 4
           : number < 8931 ? 5
           : number < 9400 ? 6
           : number < 9650 ? 7
           : number < 9700 ? 8
                           : 9;
}

static bool is_zero(const char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i])
            return false;
    return true;
}

static void fail(const char *what) {
    fprintf(stderr, "profile: %s\n", what);
    exit(3);
}

static void drop(struct held *one) {
    if (!one->block)
        return;
    if (*(unsigned char *)one->block != (unsigned char)one->bytes)
        fail("a block has another's byte");
    add(&exact[one->site].live, one->bytes, -1);
    free(one->block);
    one->block = NULL;
}

static void take(struct held *one) {
    int site = next_site();
    size_t bytes = bytes_for(site);
    char *block = sites[site](bytes);
    if (!block)
        fail("no memory");
    if (site == 6 && !is_zero(block, bytes))
        fail("calloc's block is not zero");
    if (site == 7 && (uintptr_t)block % 64)
        fail("a block is not aligned");
    if (site == 9)
        bytes = filled_bytes;
    memset(block, (int)bytes, bytes ? 1 : 0);
    *one = (struct held){bytes ? block : NULL, bytes, site};
    if (!bytes)
        free(block);
    if (site != 9)
        add(&exact[site].came, bytes, 1);
    if (bytes)
        add(&exact[site].live, bytes, 1);
    if (site == 8) /* the smaller block that became this one */
        add(&exact[site].came, 1 + bytes / 4, 1);
}

static void *work(void *calls) {
    for (long i = *(long *)calls; i > 0; i--) {
        struct held *one = &held[random_bits() % HELD];
        drop(one);
        take(one);
    }
    return NULL;
}

/* ---- the profile ----------------------------------------------------------------------------- */

/* It lies in the data of hakmem-debug.so or libhakmem.so. */
static const struct hak_heap_profile *find_profile(void) {
    static char line[4096];
    const struct hak_heap_profile *found = NULL;
    FILE *maps = fopen("/proc/self/maps", "r");
    bool is_ours = false;
    while (maps && !found && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) != 3)
            continue;
        is_ours = strstr(line, "hakmem-debug.so") || strstr(line, "libhakmem.so") ||
                  (is_ours && !strchr(line, '/'));
        if (!is_ours || rights[1] != 'w')
            continue;
        for (const char *at = (const char *)start; at + sizeof *found <= (const char *)end; at += 8)
            if (memcmp(at, HAK_HEAP_PROFILE_MAGIC "\0", 16) == 0)
                found = (const void *)at;
    }
    if (maps)
        fclose(maps);
    return found;
}

static int site_of(uint64_t address) {
    int best = -1;
    for (int i = 0; i <= SITES; i++)
        if ((uintptr_t)sites[i] <= address && address < (uintptr_t)sites[i] + 512 &&
            (best < 0 || (uintptr_t)sites[i] > (uintptr_t)sites[best]))
            best = i;
    return best < SITES ? best : -1;
}

static double worst;

static void compare(const char *name, const char *what, double is, double estimated,
                    double variance, double most, double samples) {
    double distance = estimated < is ? is - estimated : estimated - is;
    double errors = variance > 0.5 ? distance / root_of(variance) : 0;
    double unlikely = variance > 0.5 ? distance / root_of(variance + most * distance / 3) : 0;
    if (unlikely > worst && samples >= SAMPLES_MIN)
        worst = unlikely;
    printf("%-10s %-11s %16.2f %16.2f %6.2f %8.0f\n", name, what, is, estimated, errors, samples);
}

/* Of a block of each size, and of a resized one. */
static void print_sizes(void) {
    for (size_t bytes = 1; bytes < 40000; bytes += 1 + bytes / 9) {
        char *block = take_200(bytes);
        size_t usable = malloc_usable_size(block);
        memset(block, 1, usable);
        char *longer = realloc(block, bytes + bytes / 3);
        printf("%zu %zu %zu\n", bytes, usable, malloc_usable_size(longer));
        free(longer);
    }
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "sizes") == 0)
        return print_sizes(), 0;
    if (count < 3)
        return 2;
    state = strtoull(arguments[1], NULL, 0) * 0x9e3779b97f4a7c15u + 1;
    long calls = atol(arguments[2]) / 2;
    const struct hak_heap_profile *profile = find_profile();
    if (!profile || !profile->rate)
        fail("there is no heap profile");
    rate = (double)profile->rate;
    (void)work(&calls);
    pthread_t other; /* frees what this thread allocated, and the other way round */
    if (pthread_create(&other, NULL, work, &calls) != 0 || pthread_join(other, NULL) != 0)
        fail("no thread");

    struct hak_heap_profile_site sum[SITES + 1];
    memset(sum, 0, sizeof sum);
    for (uint32_t i = 0; i < profile->site_count; i++) {
        const struct hak_heap_profile_site *site = &profile->sites[i];
        uint32_t node = site->node;
        int known = -1;
        for (int depth = 0; node && known < 0 && depth < 3;
             depth++, node = profile->nodes[node].parent)
            known = site_of(profile->nodes[node].address);
        struct hak_heap_profile_site *to = &sum[known < 0 ? SITES : known];
        to->came_samples += site->came_samples;
        to->came_bytes += site->came_bytes;
        to->came_blocks += site->came_blocks;
        to->went_bytes += site->went_bytes;
        to->went_blocks += site->went_blocks;
        to->went_samples += site->went_samples;
    }
    enum { ONE = 1 << HAK_HEAP_PROFILE_FRACTION_BITS };
    for (int i = 0; i < SITES; i++) {
        double came = (double)sum[i].came_samples, live = came - (double)sum[i].went_samples;
        compare(names[i], "came-bytes", exact[i].came.bytes, sum[i].came_bytes,
                exact[i].came.bytes_variance, exact[i].came.bytes_most, came);
        compare(names[i], "came-blocks", exact[i].came.blocks, (double)sum[i].came_blocks / ONE,
                exact[i].came.blocks_variance, exact[i].came.blocks_most, came);
        compare(names[i], "live-bytes", exact[i].live.bytes, sum[i].came_bytes - sum[i].went_bytes,
                exact[i].live.bytes_variance, exact[i].live.bytes_most, live);
        compare(names[i], "live-blocks", exact[i].live.blocks,
                (double)(sum[i].came_blocks - sum[i].went_blocks) / ONE,
                exact[i].live.blocks_variance, exact[i].live.blocks_most, live);
    }
    printf("others %llu samples, unplaced %llu, unsampled %llu of %llu bytes, %u sites, %u nodes\n",
           (unsigned long long)sum[SITES].came_samples, (unsigned long long)profile->unplaced,
           (unsigned long long)profile->unsampled, (unsigned long long)profile->unsampled_bytes,
           profile->site_count, profile->node_count);
    printf("worst %.2f\n", worst);
    return count > 3 && worst > atof(arguments[3]) ? 1 : 0;
}

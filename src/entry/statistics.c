/* What glibc's malloc tells of itself and lets itself be told: malloc_trim, mallinfo, mallinfo2,
 * malloc_stats, malloc_info and mallopt, with our figures in glibc's forms.
 *
 * Figures are counted when they are asked for (front/figures.h). malloc_stats and malloc_info print
 * because the program asked for it, through its own stdio, with no lock held. A peak is not kept:
 * where glibc tells one, it is what is there now. */
#include <malloc.h>
#include <stdio.h>
#include "entry/entry.h"
#include "front/figures.h"

struct statistics {
    struct hak_figures figures;
    size_t large_blocks, large_bytes;
};

/* Other threads go on while figures are taken: one that is taken later may be the greater. */
static size_t less(size_t all, size_t part) {
    return part < all ? all - part : 0;
}

static void take_statistics(struct statistics *now) {
    hak_entry_begin();
    hak_figures_take(&now->figures);
    now->large_blocks = hak_large_count(&now->large_bytes);
    struct hak_quarantined quarantined = check_quarantined();
    now->figures.live_bytes = less(now->figures.live_bytes, quarantined.slot_bytes);
    now->large_blocks = less(now->large_blocks, quarantined.large_blocks);
    now->large_bytes = less(now->large_bytes, quarantined.large_bytes);
}

HAK_EXPORT int malloc_trim(size_t pad) {
    (void)pad; /* glibc: bytes to keep at the top of its heap */
    hak_entry_begin();
    return hak_route_trim() != 0; /* what is in quarantine stays: it is bounded */
}

static struct mallinfo2 measure(void) {
    struct statistics now;
    take_statistics(&now);
    size_t free_blocks = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        free_blocks += now.figures.free_blocks[c];
    return (struct mallinfo2){
        .arena = now.figures.superslab_bytes,
        .ordblks = free_blocks,
        .smblks = now.figures.cached_blocks,
        .hblks = now.large_blocks,
        .hblkhd = now.large_bytes,
        .fsmblks = now.figures.cached_bytes,
        .uordblks = now.figures.live_bytes,
        .fordblks = less(now.figures.superslab_bytes, now.figures.live_bytes),
        .keepcost = now.figures.unused_bytes,
    };
}

HAK_EXPORT struct mallinfo2 mallinfo2(void) {
    return measure();
}

/* The older form, whose numbers are cut off at 32 bits, as in glibc. */
HAK_EXPORT struct mallinfo mallinfo(void) {
    struct mallinfo2 wide = measure();
    return (struct mallinfo){
        .arena = (int)wide.arena,
        .ordblks = (int)wide.ordblks,
        .smblks = (int)wide.smblks,
        .hblks = (int)wide.hblks,
        .hblkhd = (int)wide.hblkhd,
        .fsmblks = (int)wide.fsmblks,
        .uordblks = (int)wide.uordblks,
        .fordblks = (int)wide.fordblks,
        .keepcost = (int)wide.keepcost,
    };
}

/* ---- in words -------------------------------------------------------------------------------- */

/* In one call, so that the lines of two processes on one terminal do not mix. */
HAK_EXPORT void malloc_stats(void) {
    struct statistics now;
    take_statistics(&now);
    size_t system_bytes = now.figures.superslab_bytes, in_use_bytes = now.figures.live_bytes;
    (void)fprintf(stderr,
                  "Arena 0:\n"
                  "system bytes     = %10zu\n"
                  "in use bytes     = %10zu\n"
                  "Total (incl. mmap):\n"
                  "system bytes     = %10zu\n"
                  "in use bytes     = %10zu\n"
                  "max mmap regions = %10zu\n"
                  "max mmap bytes   = %10zu\n",
                  system_bytes, in_use_bytes, system_bytes + now.large_bytes,
                  in_use_bytes + now.large_bytes, now.large_blocks, now.large_bytes);
}

static void print_pair(FILE *file, const char *type, size_t count, size_t size) {
    (void)fprintf(file, "<total type=\"%s\" count=\"%zu\" size=\"%zu\"/>\n", type, count, size);
}

static void print_totals(FILE *file, const struct statistics *now, size_t rest_blocks,
                         size_t rest_bytes, bool with_large) {
    print_pair(file, "fast", now->figures.cached_blocks, now->figures.cached_bytes);
    print_pair(file, "rest", rest_blocks, rest_bytes);
    size_t bytes = now->figures.superslab_bytes;
    if (with_large) {
        print_pair(file, "mmap", now->large_blocks, now->large_bytes);
        bytes += now->large_bytes;
    }
    (void)fprintf(file,
                  "<system type=\"current\" size=\"%zu\"/>\n<system type=\"max\" size=\"%zu\"/>\n"
                  "<aspace type=\"total\" size=\"%zu\"/>\n"
                  "<aspace type=\"mprotect\" size=\"%zu\"/>\n",
                  bytes, bytes, bytes, bytes);
}

static void print_info(FILE *file, const struct statistics *now) {
    size_t blocks = 0, bytes = 0;
    (void)fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", file);
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t count = now->figures.free_blocks[c], slot_bytes = hak_class_bytes(c);
        if (count == 0)
            continue;
        blocks += count;
        bytes += count * slot_bytes;
        (void)fprintf(file, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n",
                      slot_bytes, slot_bytes, count * slot_bytes, count);
    }
    /* As in glibc, what lies in caches is named apart. */
    (void)fputs("</sizes>\n", file);
    print_totals(file, now, less(blocks, now->figures.cached_blocks),
                 less(bytes, now->figures.cached_bytes), false);
    (void)fputs("</heap>\n", file);
    print_totals(file, now, less(blocks, now->figures.cached_blocks),
                 less(bytes, now->figures.cached_bytes), true);
    (void)fputs("</malloc>\n", file);
}

HAK_EXPORT int malloc_info(int options, FILE *file) {
    if (options != 0)
        return EINVAL;
    struct statistics now;
    take_statistics(&now);
    flockfile(file);
    print_info(file, &now);
    funlockfile(file);
    return 0;
}

/* Nothing can be set this way here; the answers are those of glibc 2.36, which refuses a limit of
 * its own that is too large and takes every other parameter, also one that it does not know. */
HAK_EXPORT int mallopt(int parameter, int value) {
    enum { FAST_MAX_BYTES = 160 };
    return parameter != M_MXFAST || (value >= 0 && value <= FAST_MAX_BYTES);
}

HAK_LIBC_NAME(mallopt);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
HAK_LIBC_NAME(mallinfo);

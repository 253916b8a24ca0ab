/* What glibc's malloc tells of itself and lets itself be told: malloc_trim, mallinfo, mallinfo2,
 * malloc_stats, malloc_info and mallopt, with our figures in glibc's forms.
 *
 * Figures are counted when they are asked for (front/figures.h). malloc_stats and malloc_info print
 * because the program asked for it, through its own stdio, with no lock held. A peak is not kept:
 * where glibc tells one, it is what is there now. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
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

struct page {
    size_t length;
    char text[8192];
};

static void add(struct page *page, const char *text) {
    size_t bytes = strlen(text);
    if (bytes > sizeof page->text - page->length)
        bytes = sizeof page->text - page->length;
    memcpy(page->text + page->length, text,
           bytes); /* NOLINT(bugprone-not-null-terminated-result) */
    page->length += bytes;
}

/* `text`, the number right-aligned in `width`, `after`. */
static void add_number(struct page *page, const char *text, size_t number, unsigned width,
                       const char *after) {
    char digits[32];
    unsigned at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (sizeof digits - 1 - at < width)
        digits[--at] = ' ';
    add(page, text);
    add(page, digits + at);
    add(page, after);
}

static void print(const struct page *page, FILE *file) {
    (void)fwrite(page->text, 1, page->length, file);
}

static void add_bytes(struct page *page, const char *title, size_t system_bytes,
                      size_t in_use_bytes) {
    add(page, title);
    add_number(page, "system bytes     = ", system_bytes, 10, "\n");
    add_number(page, "in use bytes     = ", in_use_bytes, 10, "\n");
}

HAK_EXPORT void malloc_stats(void) {
    struct page page = {0};
    struct statistics now;
    take_statistics(&now);
    size_t system_bytes = now.figures.superslab_bytes, in_use_bytes = now.figures.live_bytes;
    add_bytes(&page, "Arena 0:\n", system_bytes, in_use_bytes);
    add_bytes(&page, "Total (incl. mmap):\n", system_bytes + now.large_bytes,
              in_use_bytes + now.large_bytes);
    add_number(&page, "max mmap regions = ", now.large_blocks, 10, "\n");
    add_number(&page, "max mmap bytes   = ", now.large_bytes, 10, "\n");
    print(&page, stderr);
}

static void add_pair(struct page *page, const char *type, size_t count, size_t size) {
    add(page, "<total type=\"");
    add(page, type);
    add_number(page, "\" count=\"", count, 0, "\"");
    add_number(page, " size=\"", size, 0, "\"/>\n");
}

static void add_size(struct page *page, const char *what, const char *type, size_t size) {
    add(page, what);
    add(page, type);
    add_number(page, "\" size=\"", size, 0, "\"/>\n");
}

static void add_totals(struct page *page, const struct statistics *now, size_t rest_blocks,
                       size_t rest_bytes, bool with_large) {
    add_pair(page, "fast", now->figures.cached_blocks, now->figures.cached_bytes);
    add_pair(page, "rest", rest_blocks, rest_bytes);
    size_t system_bytes = now->figures.superslab_bytes;
    if (with_large) {
        add_pair(page, "mmap", now->large_blocks, now->large_bytes);
        system_bytes += now->large_bytes;
    }
    add_size(page, "<system type=\"", "current", system_bytes);
    add_size(page, "<system type=\"", "max", system_bytes);
    add_size(page, "<aspace type=\"", "total", system_bytes);
    add_size(page, "<aspace type=\"", "mprotect", system_bytes);
}

HAK_EXPORT int malloc_info(int options, FILE *file) {
    if (options != 0)
        return EINVAL;
    struct page page = {0};
    struct statistics now;
    take_statistics(&now);
    size_t blocks = 0, bytes = 0;
    add(&page, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t count = now.figures.free_blocks[c], slot_bytes = hak_class_bytes(c);
        if (count == 0)
            continue;
        blocks += count;
        bytes += count * slot_bytes;
        add_number(&page, "  <size from=\"", slot_bytes, 0, "\"");
        add_number(&page, " to=\"", slot_bytes, 0, "\"");
        add_number(&page, " total=\"", count * slot_bytes, 0, "\"");
        add_number(&page, " count=\"", count, 0, "\"/>\n");
    }
    /* As in glibc, what lies in caches is told apart. */
    size_t cached_blocks = now.figures.cached_blocks, cached_bytes = now.figures.cached_bytes;
    blocks -= cached_blocks < blocks ? cached_blocks : blocks;
    bytes -= cached_bytes < bytes ? cached_bytes : bytes;
    add(&page, "</sizes>\n");
    add_totals(&page, &now, blocks, bytes, false);
    add(&page, "</heap>\n");
    add_totals(&page, &now, blocks, bytes, true);
    add(&page, "</malloc>\n");
    print(&page, file);
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

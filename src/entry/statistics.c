/* glibc's functions for figures and settings of malloc: malloc_trim, mallinfo, mallinfo2,
 * malloc_stats, malloc_info and mallopt, with our figures in glibc's forms.
 *
 * Figures are counted when they are asked for (front/figures.h). malloc_stats and malloc_info print
 * because the program asked for it, through its own stdio, with no lock held. A peak is not kept:
 * where glibc tells one, it is what is there now. */
#include <malloc.h>
#include <stdio.h>
#include "entry/way.h"
#include "front/figures.h"
#include "newer.h"
#include "platform/line.h"
#include "platform/symbols.h"

struct statistics {
    struct hak_figures figures;
    size_t large_blocks, large_bytes;
};

/* Other threads go on while figures are taken: one that is taken later may be the greater. */
static size_t less(size_t all, size_t part) {
    return part < all ? all - part : 0;
}

/* Measures heaps and large blocks; blocks in quarantine do not count as live. */
static void take_statistics(struct statistics *now) {
    hak_entry_begin();
    hak_figures_take(&now->figures);
    now->large_blocks = hak_large_count(&now->large_bytes);
    struct hak_quarantined quarantined = check_quarantined();
    now->figures.live_bytes = less(now->figures.live_bytes, quarantined.slot_bytes);
    now->large_blocks = less(now->large_blocks, quarantined.large_blocks);
    now->large_bytes = less(now->large_bytes, quarantined.large_bytes);
}

/* Gives what can be spared back to the kernel. 1: something went back; in a nested call 0. */
HAK_EXPORT int malloc_trim(size_t pad) {
    HAK_IN_LIGHT(light_malloc_trim(pad));
    (void)pad; /* glibc: bytes to keep at the top of its heap */
    if (!hak_entry_enter())
        return 0;
    hak_entry_begin();
    bool is_some = hak_route_trim() != 0; /* what is in quarantine stays: it is bounded */
    hak_entry_leave();
    return is_some;
}

/* The figures in the form of mallinfo2. */
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
    HAK_IN_LIGHT(light_mallinfo2());
    return measure();
}

/* The older form, whose numbers are cut off at 32 bits, as in glibc. */
HAK_EXPORT struct mallinfo mallinfo(void) {
    HAK_IN_LIGHT(light_mallinfo());
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

static void write_line(struct hak_line *line, FILE *file) {
    (void)fwrite(line->text, 1, line->length, file);
    line->length = 0;
}

/* Adds a line: `text` and the number right-aligned in ten columns. */
static void add_aligned(struct hak_line *line, const char *text, size_t number) {
    struct hak_line digits = {.length = 0};
    hak_line_number(&digits, number);
    hak_line_add(line, text);
    for (size_t columns = digits.length; columns < 10; columns++)
        hak_line_add(line, " ");
    hak_line_add(line, hak_line_text(&digits));
    hak_line_add(line, "\n");
}

/* Appends a title and two figures, as malloc_stats of glibc prints them. */
static void add_bytes(struct hak_line *line, const char *title, size_t system_bytes,
                      size_t in_use_bytes) {
    hak_line_add(line, title);
    add_aligned(line, "system bytes     = ", system_bytes);
    add_aligned(line, "in use bytes     = ", in_use_bytes);
}

/* Writes glibc's lines of statistics to stderr, in one call, so that the lines of two processes on
 * one terminal do not mix. */
HAK_EXPORT void malloc_stats(void) {
    HAK_IN_LIGHT(light_malloc_stats());
    struct hak_line line = {.length = 0};
    struct statistics now;
    take_statistics(&now);
    size_t system_bytes = now.figures.superslab_bytes, in_use_bytes = now.figures.live_bytes;
    add_bytes(&line, "Arena 0:\n", system_bytes, in_use_bytes);
    add_bytes(&line, "Total (incl. mmap):\n", system_bytes + now.large_bytes,
              in_use_bytes + now.large_bytes);
    add_aligned(&line, "max mmap regions = ", now.large_blocks);
    add_aligned(&line, "max mmap bytes   = ", now.large_bytes);
    write_line(&line, stderr);
}

/* Appends one <total> element. */
static void add_pair(struct hak_line *line, const char *type, size_t count, size_t size) {
    hak_line_add(line, "<total type=\"");
    hak_line_add(line, type);
    hak_line_say(line, "\" count=\"", count, "\"");
    hak_line_say(line, " size=\"", size, "\"/>\n");
}

/* Prints the sums of a heap or of all, as malloc_info of glibc does. */
static void print_totals(FILE *file, const struct statistics *now, size_t rest_blocks,
                         size_t rest_bytes, bool with_large) {
    struct hak_line line = {.length = 0};
    add_pair(&line, "fast", now->figures.cached_blocks, now->figures.cached_bytes);
    add_pair(&line, "rest", rest_blocks, rest_bytes);
    size_t bytes = now->figures.superslab_bytes;
    if (with_large) {
        add_pair(&line, "mmap", now->large_blocks, now->large_bytes);
        bytes += now->large_bytes;
    }
    hak_line_say(&line, "<system type=\"current\" size=\"", bytes, "\"/>\n");
    hak_line_say(&line, "<system type=\"max\" size=\"", bytes, "\"/>\n");
    hak_line_say(&line, "<aspace type=\"total\" size=\"", bytes, "\"/>\n");
    hak_line_say(&line, "<aspace type=\"mprotect\" size=\"", bytes, "\"/>\n");
    write_line(&line, file);
}

static void print_text(FILE *file, const char *text) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, text);
    write_line(&line, file);
}

/* Prints malloc_info's XML in glibc's form, with size classes as sizes. */
static void print_info(FILE *file, const struct statistics *now) {
    struct hak_line line = {.length = 0};
    size_t blocks = 0, bytes = 0;
    print_text(file, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t count = now->figures.free_blocks[c], slot_bytes = hak_class_bytes(c);
        if (count == 0)
            continue;
        blocks += count;
        bytes += count * slot_bytes;
        hak_line_say(&line, "  <size from=\"", slot_bytes, "\"");
        hak_line_say(&line, " to=\"", slot_bytes, "\"");
        hak_line_say(&line, " total=\"", count * slot_bytes, "\"");
        hak_line_say(&line, " count=\"", count, "\"/>\n");
        write_line(&line, file);
    }
    /* As in glibc, what lies in caches is named apart. */
    print_text(file, "</sizes>\n");
    print_totals(file, now, less(blocks, now->figures.cached_blocks),
                 less(bytes, now->figures.cached_bytes), false);
    print_text(file, "</heap>\n");
    print_totals(file, now, less(blocks, now->figures.cached_blocks),
                 less(bytes, now->figures.cached_bytes), true);
    print_text(file, "</malloc>\n");
}

/* Calls flockfile or funlockfile by name, if libc has it: linked with, each would be looked up at
 * the start of every program. */
static void lock_stream(const char *name, FILE *file) {
    void (*function)(FILE *) = (void (*)(FILE *))hak_symbol_of_libc(name);
    if (function)
        function(file);
}

/* Writes the figures as XML with the stream locked. EINVAL: `options` is not 0. */
HAK_EXPORT int malloc_info(int options, FILE *file) {
    HAK_IN_LIGHT(light_malloc_info(options, file));
    if (options != 0)
        return EINVAL;
    struct statistics now;
    take_statistics(&now);
    lock_stream("flockfile", file);
    print_info(file, &now);
    lock_stream("funlockfile", file);
    return 0;
}

/* Nothing can be set this way here; the answers are glibc's, which takes every parameter, also one
 * that it does not know. Until 2.42 it had fast bins, and refused a limit of theirs that is too
 * large. */
HAK_EXPORT int mallopt(int parameter, int value) {
    enum { FAST_MAX_BYTES = 160 };
    return parameter != M_MXFAST || (value >= 0 && value <= FAST_MAX_BYTES) ||
           hak_entry_libc_is_since("2.43");
}

HAK_LIBC_NAME(mallopt);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
HAK_LIBC_NAME(mallinfo);

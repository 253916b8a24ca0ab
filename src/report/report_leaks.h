/* The page on leaks: what a scan found lost, by the stacks that allocated it, biggest first, at
 * most one screen. Words: LeakSanitizer's; shape: docs/specs/report.md. */
#ifndef HAK_REPORT_REPORT_LEAKS_H
#define HAK_REPORT_REPORT_LEAKS_H

#include <stdbool.h>
#include <stdint.h>
#include "report/lookup.h"
#include "report/text.h"

/* Blocks that were allocated by one stack and judged alike. */
struct hak_leak_place {
    uint8_t kind; /* enum hak_leak */
    bool is_told; /* false: a baseline or a suppression knows it */
    uint64_t count, bytes;
    uint64_t oldest_ns, newest_ns; /* when allocated, since the capture's start; 0, 0 = not known */
    uint8_t layer;                 /* enum hak_place that served the last one; 0 = not known */
    struct hak_frames frames;      /* of the allocation, innermost first; count 0 = no stack */
};

struct hak_leak_page {
    const struct hak_leak_place *places; /* sorted by hak_leak_place_order */
    uint32_t count;
    uint64_t ns;           /* of the scan, since the capture's start */
    uint32_t reason;       /* enum hak_leak_reason */
    uint32_t partial;      /* enum hak_leak_partial */
    uint64_t microseconds; /* that it took */
    uint64_t live_blocks, live_bytes;
    uint64_t lost_blocks;   /* also those that are in no place: too many to be told one by one */
    uint64_t known;         /* lost blocks that are not told: baseline, suppressions */
    const char *program;    /* base name and pid, for trees of processes; "" = leave out */
    const char *store_path; /* "" = none */
};

/* For qsort: direct before indirect before reachable, then by bytes. */
int hak_leak_place_order(const void *a, const void *b);

/* "Direct leak"; "direct". */
const char *hak_words_leak(unsigned kind);
const char *hak_words_leak_kind(unsigned kind);
/* "at exit", "on a signal", "by hak_find_leaks()". */
const char *hak_words_leak_reason(unsigned reason);
/* Why the scan saw less than there is, in words; false when it saw all. */
bool hak_words_add_partial(struct hak_text *text, unsigned partial);
/* Appends "1.204 s to 3.100 s old; served by front" for a place at the time `ns`. */
void hak_leak_add_age(struct hak_text *text, const struct hak_leak_place *place, uint64_t ns);

/* Writes the page, SUMMARY line included, and the SUMMARY line alone without its end. */
void hak_report_leaks(const struct hak_leak_page *page, struct hak_text *text,
                      struct hak_text *summary);

#endif

/* Rows of the tables `leak` and `leak_scan`, as the command `leaks` tells them. */
#ifndef HAK_VIEWER_LEAKS_ROWS_H
#define HAK_VIEWER_LEAKS_ROWS_H

#include "viewer/findings/findings.h"
#include "report/page/page.h"
#include "viewer/capture/capture.h"

/* One scan of one process. */
struct leaks_scan {
    uint32_t row, process;
    uint64_t ns, live_blocks, live_bytes, lost_blocks, known_blocks, microseconds;
    bool is_error; /* its direct leaks count as faults */
    char reason[32];
    char notes[512]; /* why it saw less than there is */
};

/* Blocks of one stack. */
struct leaks_row {
    uint32_t row, scan, process, stack;
    uint64_t ns, count, bytes, oldest_ns, newest_ns;
    unsigned kind; /* enum hak_leak */
    char layer[160];
    char fingerprint[HAK_FINGERPRINT_BYTES];
    bool is_finding;
    enum finding_state state;
    /* Of one that the baseline knows and that has grown since, as in struct finding; 0 = another.
     */
    uint64_t old_blocks, old_bytes, all_blocks, all_bytes;
};

/* The scans that were asked for, and their leaks. */
struct leaks_list {
    struct leaks_scan *scans; /* the newest of each process, or the one that was asked for */
    uint32_t scan_count, scan_capacity;
    struct leaks_row *rows; /* of these scans: direct, indirect, reachable, each by bytes */
    uint32_t row_count, row_capacity;
    uint64_t known, reachable; /* rows that are known; blocks that are still reachable */
    struct findings known_by;  /* baseline and suppressions */
};

/* read.c: reads the scans and their leaks. 0 or an exit status; the error is printed. */
int leaks_read(struct view *view, struct leaks_list *list);
void leaks_free(struct leaks_list *list);

/* held.c: prints `leaks --held`; at most `limit` lines, 0 = all. Returns the exit status. */
int leaks_held(struct view *view, uint64_t limit);

/* The column WHERE, a line for each stack. (where.c) */
struct leaks_place {
    uint32_t stack;
    struct hak_text where;
};
struct leaks_places {
    struct leaks_place *list;
    uint32_t count, capacity;
};

/* Appends the line of a stack to the places; without memory there is none more. */
void leaks_add_place(struct leaks_places *places, struct view *view, uint32_t stack);
/* Appends to lines that read alike the frame in which their stacks differ. */
void leaks_tell_places_apart(struct leaks_places *places, struct view *view);
/* Line i, "" past the end. */
const char *leaks_place(const struct leaks_places *places, uint64_t i);
void leaks_free_places(struct leaks_places *places);
#endif

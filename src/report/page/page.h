/* The page that a person reads when a fault was found or the program crashed.
 *
 *   hak_report_request (numbers, from the program)  --+
 *   hak_report_context (what the collector knows)   --+--> text, SUMMARY line, JSON
 *   the story of the block, from the store          --+
 *
 * Made by page.c, which calls the parts (parts.h); leaks.c makes the page on leaks. Calls known
 * (fingerprints), words and text.
 *
 * The text has at most HAK_REPORT_LINES lines of at most about 110 columns; its first line stands
 * alone in a log, its last one is the SUMMARY line. Shape: docs/specs/report.md. Nothing in it is
 * guessed outside GUESS, and whatever is missing is said. */
#ifndef HAK_REPORT_PAGE_PAGE_H
#define HAK_REPORT_PAGE_PAGE_H

#include <stdint.h>
#include "decode/decode.h"
#include "report/known/known.h"
#include "report/words/words.h"
#include "store/reader/reader.h"
#include "trace/session.h"

#define HAK_REPORT_LINES 48
#define HAK_PLACE_BYTES  256

/* libunwind's answer for the same stack (collector/findings/second_opinion.h). */
enum hak_opinion {
    HAK_OPINION_NONE = 0,  /* libunwind could not be asked, or did not answer in time */
    HAK_OPINION_AGREES,    /* the same frames, as far as both went */
    HAK_OPINION_FURTHER,   /* the same frames, and more behind them where ours ended early */
    HAK_OPINION_DIFFERENT, /* another caller */
};

struct hak_second_opinion {
    enum hak_opinion verdict;
    uint32_t at;     /* FURTHER: the first frame that is new; DIFFERENT: the first that differs */
    uint64_t caller; /* libunwind's ip there */
    uint32_t count;  /* FURTHER: frames in all */
    uint64_t frames[HAK_REPORT_FRAMES];
};

/* The collector's additions to the numbers that the program left in the session memory. All strings
 * and frames are copied before the store is asked anything, so they may belong to its reader. */
struct hak_report_context {
    uint32_t process, thread;       /* row ids */
    uint32_t thread_number;         /* in its process, from 1 */
    const char *thread_name;        /* "" or NULL = not known */
    uint32_t fault_row;             /* that the report gets in the store, 0 = not known */
    uint64_t fault_event;           /* id of the FAULT event in the store, 0 = it is not there */
    uint64_t ns;                    /* time of the fault since the capture's start */
    const char *store_path;         /* as the person would type it; "" or NULL = no store */
    const struct hak_frame *frames; /* the fault's own stack, innermost first, hakmem's included */
    int frame_count;
    /* Where the block was allocated and freed, as the program itself kept it; may be none. */
    const struct hak_frame *alloc_frames, *free_frames;
    int alloc_frame_count, free_frame_count;
    uint64_t clean_ns; /* of the request's clean_ticks, on the same clock; 0 = not known */
    const struct hak_frame *clean_frames; /* of its clean_frames */
    int clean_frame_count;
    struct hak_kept_creation creations[HAK_REPORT_CREATIONS]; /* of the request's */
    uint32_t signal;                         /* 0 = none; else the signal that the program got */
    const struct hak_second_opinion *second; /* libunwind's, on `frames`; NULL = not asked */
    const char *arguments; /* of the program, each ended by NUL; NULL = not known */
    size_t argument_bytes; /* the last one is NUL, else the command line was cut short */
    /* Paths of modules whose symbols were not read in time, ended by NULL; NULL = none. */
    const char *const *late_modules;
    struct hak_coverage coverage;        /* of the process; all 0 = not known */
    struct hak_missed_pools missed;      /* by the process so far */
    bool is_trace;                       /* the run was at level trace: nothing was checked */
    bool is_light;                       /* at level light: few blocks were */
    unsigned unwatched;                  /* why no debug register can stop it here, or 0 */
    bool is_forked;                      /* its counters begin at its fork */
    bool stops;                          /* the program ends at its first fault */
    enum hak_processor processor;        /* that ran it */
    char static_place[HAK_PLACE_BYTES];  /* symbol, kind and section of static data: "table+0x10,
                                            static data of app (.bss)"; "" = not known */
    char handler_place[HAK_PLACE_BYTES]; /* of the request's handler_frames; "" = not known */
    char other_place[HAK_REPORT_OTHERS][HAK_PLACE_BYTES]; /* of its others' */
};

struct hak_report {
    char *text;    /* the whole report, lines ended by '\n', SUMMARY line included */
    char *summary; /* the SUMMARY line alone, without '\n' */
    char *json;    /* {"hakmem_json": 1, "fault": {...}, "block": {...}, "lives": [...], ...} */
    char fingerprint[HAK_FINGERPRINT_BYTES];
    uint64_t base, birth; /* of the fault's block: its first byte, the event of its allocation; 0 */
    uint64_t event;       /* at which the fault was found, 0 = none is recorded */
    struct hak_frames allocated; /* where the fault's block was; none where that is not known */
};

/* Makes the report of `request`. `r` is a reader of the store with everything committed up to the
 * fault, or NULL when there is no store: the report then says so. Request and context may hold
 * anything (a dying program wrote them); nothing in them is trusted to be in range.
 * Returns 0, or -1 when memory ran out (`out` is all NULL then). Errors of the store do not fail
 * it: they are told under COMPLETENESS. For one thread; the result is freed by hak_report_free. */
int hak_report_make(struct hak_store_reader *r, const struct hak_report_request *request,
                    const struct hak_report_context *context, struct hak_report *out);

/* Frees the report's texts and frames and clears it. */
void hak_report_free(struct hak_report *report);

/* Writes "worker_loop app/worker.c:41", the frame of `frames` that tells most, into `to` of `bytes`
 * (cut to fit, ended by NUL); "" when there is none. For one thread. */
void hak_report_place(char *to, size_t bytes, const struct hak_frame *frames, int count);

/* Wrappers of the allocator by their place in stacks; wrappers.c says how they are known. */
#define HAK_WRAPPERS_STACKS 16 /* of one call; more are left as they are */

/* Marks the frames of the stacks that called the allocator, or another such frame, and are called
 * from many places of the program (`is_called_from_many`). `r` may be NULL: none is. */
void hak_report_mark_wrappers(struct hak_store_reader *r, struct hak_frames *const *stacks,
                              int stack_count);

/* ---- leaks -------------------------------------------------------------------------------------
 * The page on leaks: the blocks that a scan found lost, by the stacks that allocated them, biggest
 * first, at most one screen. Words: LeakSanitizer's; shape: docs/specs/report.md. */

/* Blocks that were allocated by one stack and judged alike. */
struct hak_leak_place {
    uint8_t kind; /* enum hak_leak */
    bool is_told; /* false: a baseline or a suppression knows it */
    uint64_t count, bytes;
    /* Of a leak that the baseline knows and that has grown since: what it knows of, and all that
     * the process lost through stacks of this fingerprint; 0 = another. */
    uint64_t old_count, old_bytes, all_count, all_bytes;
    uint64_t oldest_ns, newest_ns; /* when allocated, since the capture's start; 0, 0 = not known */
    uint8_t layer;                 /* enum hak_place that served the last one; 0 = not known */
    uint32_t pool; /* of pieces: number of their pool, 0 = of several, or they are blocks */
    char pool_name[HAK_POOL_NAME]; /* "" = none */
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
    const char *const *late_modules; /* as hak_report_context's */
    struct hak_missed_pools missed;  /* by the process so far */
};

/* Orders, for qsort, places that are shown before others, direct before indirect before reachable,
 * then by bytes. */
int hak_leak_place_order(const void *a, const void *b);

/* "Direct leak"; "direct". */
const char *hak_words_leak(unsigned kind);
const char *hak_words_leak_kind(unsigned kind);
/* "at exit", "on a signal", "by hak_find_leaks()", "by ctl". */
const char *hak_words_leak_reason(unsigned reason);
/* Adds why the scan saw less than there is; false when it saw all. */
bool hak_words_add_partial(struct hak_text *text, unsigned partial);
/* Appends "front", `own pool 2 "rows"`: what served the place's blocks; nothing where that is not
 * known. */
void hak_leak_add_layer(struct hak_text *text, const struct hak_leak_place *place);
/* Appends "1.204 s to 3.100 s old; served by front" for a place at the time `ns`. */
void hak_leak_add_age(struct hak_text *text, const struct hak_leak_place *place, uint64_t ns);

/* Writes the page, SUMMARY line included, and the SUMMARY line alone without its end. */
void hak_report_leaks(const struct hak_leak_page *page, struct hak_text *text,
                      struct hak_text *summary);

#endif

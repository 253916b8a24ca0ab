/* The page that a person reads when a fault was found or the program crashed.
 *
 *   hak_report_request (numbers, from the program)  --+
 *   hak_report_context (what the collector knows)   --+--> text, SUMMARY line, JSON
 *   the story of the block, from the store          --+
 *
 * The text has at most HAK_REPORT_LINES lines of at most about 110 columns; its first line stands
 * alone in a log, its last one is the SUMMARY line. Shape: docs/specs/report.md. Nothing in it is
 * guessed outside GUESS, and whatever is missing is said. */
#ifndef HAK_REPORT_REPORT_H
#define HAK_REPORT_REPORT_H

#include <stdint.h>
#include "report/creations.h"
#include "report/fingerprint.h"
#include "report/lookup.h"
#include "store/reader/reader.h"
#include "trace/session.h"

#define HAK_REPORT_LINES 48
#define HAK_PLACE_BYTES  256

/* What libunwind says about the same stack (collector/second_opinion.h). */
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

/* What the collector adds to the numbers that the program left in the session memory. All strings
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
    /* Where the block was allocated and freed, by what the program itself kept; may be none. */
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
    bool is_trace;         /* the run was at level trace: nothing was checked */
    char handler_place[HAK_PLACE_BYTES]; /* of the request's handler_frames; "" = not known */
    char other_place[HAK_REPORT_OTHERS][HAK_PLACE_BYTES]; /* of its others' */
};

struct hak_report {
    char *text;    /* the whole report, lines ended by '\n', SUMMARY line included */
    char *summary; /* the SUMMARY line alone, without '\n' */
    char *json;    /* {"hakmem_json": 1, "fault": {...}, "block": {...}, "lives": [...], ...} */
    char fingerprint[HAK_FINGERPRINT_BYTES];
    uint64_t event;              /* at which the fault was found, 0 = none is recorded */
    struct hak_frames allocated; /* where the fault's block was; none where that is not known */
};

/* Makes the report of `request`. `r` is a reader of the store with everything committed up to the
 * fault, or NULL when there is no store: the report then says so. Request and context may hold
 * anything (a dying program wrote them); nothing in them is trusted to be in range.
 * Returns 0, or -1 when memory ran out (`out` is all NULL then). Errors of the store do not fail
 * it: they are told under COMPLETENESS. For one thread; the result is freed by hak_report_free. */
int hak_report_make(struct hak_store_reader *r, const struct hak_report_request *request,
                    const struct hak_report_context *context, struct hak_report *out);
void hak_report_free(struct hak_report *report);

#endif

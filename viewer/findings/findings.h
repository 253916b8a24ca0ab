/* Findings of a capture, known ones told apart from new ones: the commands `faults`, `export` and
 * `explain`.
 *
 *   table fault --+                    +-- suppressions (a file of patterns)
 *   table leak  --+--> list of findings+-- baseline (a file of fingerprints)
 *                                      |
 *                                      +--> faults, run --ci, export: JUnit, SARIF, annotations
 *
 *   gather.c   gathers them from the store, with their stacks
 *   known.c    compares them with suppressions and baseline
 *   sources.c  paths as a repository has them
 *   faults.c fault_stacks.c                for people
 *   junit.c xml.c sarif.c annotations.c quickfix.c    for other tools
 *   explain.c                              a fault's page of docs/specs/faults
 *
 * Calls capture and cli. One thread. */
#ifndef HAK_VIEWER_FINDINGS_FINDINGS_H
#define HAK_VIEWER_FINDINGS_FINDINGS_H

#include "base/json.h"
#include "report/known/known.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"

enum finding_kind { FINDING_FAULT, FINDING_LEAK, FINDING_CRASH };

enum finding_state {
    FINDING_NEW,
    FINDING_BASELINE,   /* its fingerprint is in the baseline */
    FINDING_SUPPRESSED, /* a suppression that the viewer was given matches it */
};

#define FINDING_STACKS 4

struct finding_stack {
    const char *title; /* "found", "allocated", "freed", "first wrong step" */
    struct hak_frames frames;
};

struct finding {
    enum finding_kind kind;
    enum finding_state state;
    uint32_t row;                 /* in its table */
    unsigned code;                /* HKM number, 0 = a crash */
    const char *name;             /* "double-free", "memory-leak", "crash" */
    const char *meaning, *advice; /* of faults.def; "" for a crash */
    uint32_t process, thread;     /* row ids */
    int pid;
    uint64_t event, ns;
    uint64_t blocks, bytes; /* of a leak */
    bool is_reported_only;  /* a leak that does not count as a fault (--leaks=1) */
    /* Of a leak that the baseline knows and that has grown since, which makes it new: what it knows
     * of, and all that the process lost through stacks of this fingerprint; 0 = another. */
    uint64_t old_blocks, old_bytes, all_blocks, all_bytes;
    uint64_t base, birth; /* of a fault's block: its first byte, the event of its allocation; 0 */
    char fingerprint[HAK_FINGERPRINT_BYTES];
    char *program;        /* base name */
    char *headline;       /* one line, without "hakmem:" */
    char *summary;        /* the SUMMARY line, "" = none */
    char *layer;          /* of a leak: what served it, "" = not known; else NULL */
    char *report;         /* the text as it was printed */
    char *access;         /* "read", "write", "execute" of what was stopped; "" or NULL = none */
    char *instruction;    /* the one that was stopped, "" or NULL = not known */
    const char *known_by; /* the suppression or the baseline's note; "" = none */
    /* The first one is where it belongs: what annotations and lists name. */
    struct finding_stack stacks[FINDING_STACKS];
    int stack_count;
};

struct findings {
    struct finding *list;
    uint32_t count, capacity;
    struct hak_baseline *baseline; /* NULL = none was given */
    bool may_lack_baseline; /* set by the caller: a file that does not exist is an empty one */
    uint64_t leak_growth;   /* percent by which a leak that it knows must grow to be new */
    struct hak_suppressions *suppressions; /* NULL = none were given */
};

/* Fills `out` from the capture that is open: all of `process` (row id, 0 = every one), oldest
 * first, crashes included. False: the error is printed. */
bool findings_gather(struct view *view, uint32_t process, struct findings *out);
/* Appends the leaks that are reported only, most bytes first. False: the error is printed. */
bool findings_gather_reported(struct view *view, uint32_t process, struct findings *out);
void findings_free(struct findings *findings);

/* Reads --baseline and --suppressions (of `run` also the variables). False: the error is printed.
 */
bool findings_load_known(const struct view *view, struct findings *findings);
/* Reads the known findings, and sets every `state`. False: the error is printed. */
bool findings_compare(struct view *view, struct findings *findings);
/* The blocks and bytes that the leak's process lost through stacks of its fingerprint. */
void findings_add_up_leak(const struct findings *findings, const struct finding *leak,
                          uint64_t *blocks, uint64_t *bytes);
/* Appends "; grew from 266 blocks (...) to 666 blocks (...)" of a leak that has. */
void finding_add_growth(struct hak_text *text, const struct finding *finding);
/* True of a finding that is not known and not reported only. */
bool finding_is_new(const struct finding *finding);
/* Findings that make a job fail: new ones, crashes not counted (they have a status of their own).
 */
size_t findings_count_new(const struct findings *findings);
size_t findings_count_known(const struct findings *findings);
/* Whether a program of this name is part of the capture. Only of such an entry of a baseline can be
 * said that its finding is gone. */
bool findings_has_run(void *view, const char *program);
/* The next entry of the baseline that belongs to a program of this capture and was not found, from
 * `*at` on, which begins at 0; NULL: there is no more. */
const struct hak_baseline_entry *findings_next_stale(struct view *view,
                                                     const struct findings *findings, size_t *at);

/* Copies a stack of a report's JSON. False: memory ran out. */
bool findings_read_frames(struct hak_frames *out, const json_t *array);

/* Appends the finding's report as it was printed, in colour where `view` has it; of a leak its
 * stack. */
void finding_add_report(struct hak_text *text, const struct view *view,
                        const struct finding *finding);
/* True of damage whose writer is not known: the finding is shown where its block was allocated. */
bool finding_is_at_allocation(const struct finding *finding);
/* Stands between the finding's name and its place: " in ", or " of a block from ". */
const char *finding_relation(const struct finding *finding);
/* Appends the headline, and the meaning of the finding's line where that is not the fault's own. */
void finding_add_message(struct hak_text *text, const struct finding *finding);
/* The frame that the finding is shown at; NULL = none has a function or a module. */
const struct hak_frame *finding_place(const struct finding *finding);
/* Appends "close_all double_free.c" (no line: it stays over edits), "??" where nothing is known. */
void finding_add_place(struct hak_text *text, const struct finding *finding);

/* The folder in which source files are looked for and from which they are named: the folder of the
 * repository (the next one up with .git), else the working directory; --sources takes another. Ends
 * without a slash. */
const char *sources_root(struct view *view);
/* Appends the path of `file` as the repository has it; false where it lies outside: then as it is.
 */
bool sources_add_path(struct hak_text *text, struct view *view, const char *file);
/* Finds the innermost frame of the finding's first stack that lies in the repository, so that a
 * service can show the line; -1 = none does. */
int sources_find_frame(struct view *view, const struct finding *finding);

/* The findings as JUnit's XML, a suite for each program, to be freed; NULL when memory ran out. */
char *findings_junit(struct view *view, const struct findings *findings);

/* The findings as a SARIF 2.1.0 document, known ones as suppressed, to be freed; NULL when memory
 * ran out. */
char *findings_sarif(struct view *view, const struct findings *findings);

/* The new findings, each fingerprint once, as GitLab's Code Quality report, to be freed; NULL
 * without memory. */
char *findings_code_quality(struct view *view, const struct findings *findings);

enum annotations {
    ANNOTATIONS_NONE,
    ANNOTATIONS_GITHUB,
    ANNOTATIONS_GITLAB,
    ANNOTATIONS_AZURE,
    ANNOTATIONS_TEAMCITY,
};
/* Reads --annotations; `auto` looks at the environment. False: the error is printed. */
bool annotations_read_option(const struct view *view, enum annotations *out);
/* Appends one line for each new finding, each fingerprint once, in the service's words; none for
 * GitLab, which takes a file. */
void annotations_add(struct hak_text *text, struct view *view, const struct findings *findings,
                     enum annotations service);

/* Appends new findings as a compiler writes errors, for an editor's list: FILE:LINE: error: WORDS,
 * and notes with the steps of each stack. */
void findings_add_quickfix(struct hak_text *text, struct view *view,
                           const struct findings *findings);

/* Adds to a baseline the findings that it does not have yet, but no crashes and none that is
 * suppressed; `*added` grows by their number. `is_anew`: what leaks lost is what they lose now.
 * False: printed. */
bool findings_add_to_baseline(const struct findings *findings, struct hak_baseline *to,
                              bool is_anew, size_t *added);

/* Runs `faults`: lists the findings, prints the report of one, or writes a baseline. Returns the
 * exit status. */
int command_faults(struct view *view);

/* Runs `explain`: prints the page of a fault, or a line for each. Returns the exit status. */
int command_explain(struct view *view);

/* Writes `document` (freed) into the file `path`, whole or not at all. False: printed. */
bool findings_write_file(const char *path, char *document);

#endif

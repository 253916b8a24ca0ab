/* The document that a push of findings, or of a heap profile, sends: JSON (docs/specs/push.md),
 * made of a capture, kept in the queue, and read again by the sender.
 *
 *   capture --> document_make ----------> text --> queue --> document_read --> hak_remote_run
 *           --> document_make_profile --^                                 +--> hak_remote_pull */
#ifndef HAK_VIEWER_FLEET_DOCUMENT_H
#define HAK_VIEWER_FLEET_DOCUMENT_H

#include "remote/remote.h"
#include "viewer/findings/findings.h"

enum {
    DOCUMENT_BYTES = 8 << 20, /* of a whole one */
    DOCUMENT_RUNS = 64,
    DOCUMENT_FINDINGS = 1000,   /* of all runs */
    DOCUMENT_STACKS = 4096,     /* of a heap profile; of the others one more for all */
    DOCUMENT_LINE_BYTES = 1024, /* of a headline, a place, a host; what is longer is cut */
    DOCUMENT_COMMAND_BYTES = 4096,
};

/* Makes the document of the findings to push. `labels`: lines of key=value, NULL = none; `capture`:
 * its number where all of it is on the server, else 0. The caller frees it; NULL: memory ran out,
 * or the capture cannot be read (printed). `findings` that a suppression knows are left out. */
char *document_make(struct view *view, const struct findings *findings, const char *url,
                    const char *labels, uint64_t capture);
/* The same of the sampled heap profile of the capture; NULL: it has none that can be pushed, or
 * memory ran out, which was printed, and `*status` is the exit status. */
char *document_make_profile(struct view *view, const char *url, const char *labels, int *status);
/* The first fault of a capture that is being written whose fingerprint may change yet, since names
 * are read late: it is not pushed, nor are those behind it, until it is settled. */
uint64_t document_late_fault(const struct hak_database *db);
/* Checks that each line of labels is key=value; false: printed for `command`. */
bool document_check_labels(const char *command, const char *labels);

/* ---- pieces of both ---------------------------------------------------------------------------
 */
/* The host's name: --host or HAKMEM_HOST, else `own`. */
const char *document_host(const struct view *view, const char *own);
/* The labels, one KEY=VALUE a line, as an object; lines without = are left out. */
json_t *document_labels(const char *labels);
/* The build-id of the module at `path`, "" if unknown; the caller frees it. */
char *document_build(const struct hak_database *db, const char *path);
/* Sets the first bytes of `text`, at most `most`, as a JSON string, without half a character at its
 * end, and counts in `*cut` one that was longer. */
void document_set_text(json_t *object, const char *name, const char *text, size_t most,
                       uint64_t *cut);
/* A hash: FNV-1a with a last mixing (that of MurmurHash3), since runs, processes and stacks are
 * known by it alone. Texts have an end. _end: a number from 1 to INT64_MAX. */
uint64_t document_begin_hash(void);
uint64_t document_add_to_hash(uint64_t hash, const char *text, size_t length);
uint64_t document_end_hash(uint64_t hash);

struct document {
    json_t *json;
    const char *url;
    struct hak_remote_run *run;
    struct hak_remote_finding *finding; /* of all runs */
    struct hak_remote_pull *pull;       /* NULL: it is one of findings */
    struct hak_remote_stack *stack;
    uint32_t runs, findings;
    uint64_t left_out, cut; /* findings and programs, or stacks, and texts, that did not fit in */
    char **text;            /* labels and summaries */
    bool has_no_memory;     /* it may well be one */
};

/* Reads a document. False: it is none; the reason is in `why` (a constant). The caller frees it in
 * any case. */
bool document_read(const char *text, size_t bytes, struct document *out, const char **why);

/* Frees the document and all its runs and texts, and clears it. */
void document_free(struct document *document);

#endif

/* The document that a push of findings sends: JSON (docs/specs/push.md), made of a capture, kept in
 * the queue, and read again by the sender.
 *
 *   capture --> document_make --> text --> queue --> document_read --> struct hak_remote_run */
#ifndef HAK_VIEWER_FLEET_DOCUMENT_H
#define HAK_VIEWER_FLEET_DOCUMENT_H

#include "remote/remote.h"
#include "viewer/findings/findings.h"

enum {
    DOCUMENT_BYTES = 8 << 20, /* of a whole one */
    DOCUMENT_RUNS = 64,
    DOCUMENT_FINDINGS = 1000, /* of all runs */
};

/* Makes the document of the findings to push. `labels`: lines of key=value, NULL = none; `capture`:
 * its number where all of it is on the server, else 0. The caller frees it; NULL: memory ran out,
 * or the capture cannot be read (printed). `findings` that a suppression knows are left out. */
char *document_make(struct view *view, const struct findings *findings, const char *url,
                    const char *labels, uint64_t capture);
/* The first fault of a capture that is being written whose fingerprint may change yet, since names
 * are read late: it is not pushed, nor are those behind it, until it is settled. */
uint64_t document_late_fault(const struct hak_database *db);
/* Checks that each line of labels is key=value; false: printed for `command`. */
bool document_check_labels(const char *command, const char *labels);

struct document {
    json_t *json;
    const char *url;
    struct hak_remote_run *run;
    struct hak_remote_finding *finding; /* of all runs */
    uint32_t runs, findings;
    uint64_t left_out, cut; /* findings and programs, and texts, that did not fit in */
    char **text;            /* labels and summaries */
    bool has_no_memory;     /* it may well be one */
};

/* Reads a document. False: it is none; the reason is in `why` (a constant). The caller frees it in
 * any case. */
bool document_read(const char *text, size_t bytes, struct document *out, const char **why);

/* Frees the document and all its runs and texts, and clears it. */
void document_free(struct document *document);

#endif

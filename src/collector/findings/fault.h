/* The way from a fault to the printed page: notices a report request in a session, waits until all
 * up to its FAULT record is stored, resolves what the page needs, prints it and lets the program go
 * on. The program is let go whatever fails on the way.
 *
 *   begin --> commit while it awaits its event --> prepare --> commit --> finish
 *
 * The caller commits between the steps. */
#ifndef HAK_COLLECTOR_FINDINGS_FAULT_H
#define HAK_COLLECTOR_FINDINGS_FAULT_H

#include "collector/capture/capture.h"
#include "collector/session/session.h"

struct hak_fault;
struct hak_findings;

/* True when `client` waits for a report, or has left a request for one. */
bool hak_fault_is_wanted(const struct hak_client *client);

/* The report that `client` waits for, or left; NULL = there is none, or no memory. */
struct hak_fault *hak_fault_begin(struct hak_client *client);
/* True while a commit may yet bring the event. */
bool hak_fault_awaits_event(struct hak_fault *fault);
/* Counts the request of a session that is closed, if there was no memory to begin its report, as a
 * lost one. */
void hak_fault_count_untaken(struct hak_client *client, struct hak_capture *capture);
/* Finds the rows and names that the page shows, and takes a second opinion on the fault's stack,
 * whose frames it uses if they go further. */
void hak_fault_prepare(struct hak_fault *fault, struct hak_capture *capture);
/* Prints the report unless the program has, stores it, lets the program go on, and frees the fault
 * unless its names come late. */
void hak_fault_finish(struct hak_fault *fault, struct hak_capture *capture,
                      struct hak_findings *findings);

/* Stores reports again whose names were not read in time, now that they are: with the fingerprint,
 * the frames and the words that they would have had. When hak_symbols_are_read says so, or the
 * store is being closed. */
void hak_fault_settle_late(struct hak_findings *findings, struct hak_capture *capture);

/* Frees all faults that still wait for names. */
void hak_fault_free_late(struct hak_findings *findings);

/* Says that the store did not take a finding's row, and counts the finding as lost there. */
void hak_fault_count_unstored(struct hak_capture *capture, uint32_t process, uint32_t thread,
                              uint64_t ns);

/* Stores, of level light, how many calls of a process allocated, and how many of their blocks were
 * guarded, for questions about the others (docs/specs/store.md). */
void hak_fault_store_watched(struct hak_capture *capture, uint32_t process, uint64_t calls,
                             uint64_t blocks);

#endif

/* The way from a fault to the printed page: notices a report request in a session, stores
 * everything up to its FAULT record, resolves what the page needs, prints it and lets the program
 * go on. */
#ifndef HAK_COLLECTOR_FINDINGS_FAULT_H
#define HAK_COLLECTOR_FINDINGS_FAULT_H

#include "collector/worker/worker.h"

/* True when `client` waits for a report. */
bool hak_fault_is_wanted(const struct hak_client *client);

/* Writes the report that `client` waits for. Whatever fails on the way, something is printed and
 * the program is let go. */
void hak_fault_report(struct hak_worker *worker, struct hak_client *client);

#endif

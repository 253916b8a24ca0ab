/* Reports the progress of a long read to its watcher, who may stop it (hak_store_watch, reader.h).
 */
#ifndef HAK_STORE_READER_WATCH_H
#define HAK_STORE_READER_WATCH_H

#include "store/reader/reader.h"

/* Names the work of reads from now on, on the events they pass: "" = just reading. The text must
 * stay. */
void hak_watch_doing(const char *doing);
/* A read has come to event `id`, from the oldest on or (`backwards`) from the newest on. 0, or
 * HAK_STORE_STOPPED. Costs nothing while nobody watches. */
int hak_watch_progress(struct hak_store_reader *r, uint64_t id, bool backwards);

#endif

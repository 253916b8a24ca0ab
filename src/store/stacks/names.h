/* Texts that many rows of a store share (functions, files, counters): each is kept once, in the
 * table `name`, and rows have its id. */
#ifndef HAK_STORE_STACKS_NAMES_H
#define HAK_STORE_STACKS_NAMES_H

#include <stdint.h>

struct hak_store_writer;
struct hak_store_names;

/* The id of `text` in `out`, 0 for "" and NULL; in a transaction, since a new text gets its row
 * here. 0 or an error. */
int hak_store_name(struct hak_store_writer *w, const char *text, uint32_t *out);
/* The transaction was taken back. */
void hak_store_names_rolled_back(struct hak_store_writer *w);
void hak_store_names_free(struct hak_store_names *names);

#endif

/* Texts that many rows of a store share (functions, files, counters): each is kept once, in the
 * table `name`, and rows have its id. For the writer's thread. */
#ifndef HAK_STORE_STACKS_NAMES_H
#define HAK_STORE_STACKS_NAMES_H

#include "store/database.h"

struct hak_names;

/* Makes a writer of names; those that are stored are loaded later. 0, or an error without
 * memory. */
int hak_names_make(const struct hak_database *db, struct hak_names **out); /* 0 or an error */
void hak_names_free(struct hak_names *names);
/* The id of `text` in `out`, 0 for "" and NULL; in a transaction, since a new text gets its row
 * here. 0 or an error. */
int hak_names_id(struct hak_names *names, const char *text, uint32_t *out);
/* Forgets all names, which are loaded again when they are needed, as the transaction was taken
 * back. */
void hak_names_rolled_back(struct hak_names *names);

#endif

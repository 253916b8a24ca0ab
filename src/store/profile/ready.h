/* Stores runs that were added up elsewhere, as a heap profile out of a program's memory is: no
 * event of theirs was ever seen. */
#ifndef HAK_STORE_PROFILE_READY_H
#define HAK_STORE_PROFILE_READY_H

#include "store/profile/rows.h"
#include "store/database.h"

/* Stores the keys, the runs, which stand alone and follow one another, and as the peak the end of
 * the run that has the most bytes live then. In the caller's transaction, into a store that keeps
 * the profile alone and has no rows of it yet. 0 or an error. */
int hak_profile_put_ready(const struct hak_database *db, const struct hak_profile_keys *keys,
                          const struct hak_profile_run *run, uint32_t runs);

#endif

/* Writes the profile: rows of profile_key and profile_chunk with each chunk, a row of profile_run
 * for some 1 M events.
 *
 * A log of less than 32 M events has none: read whole, it answers as fast. When it grows longer, or
 * its oldest chunks go, its chunks are read back, two for each one that comes, until all are
 * gathered. So it is with a store that an earlier worker began, and after a transaction was taken
 * back that cannot be (a fork is in it): all is gathered anew, unless the first chunk is gone; the
 * profile ends then. For the writer's thread. */
#ifndef HAK_STORE_PROFILE_WRITER_H
#define HAK_STORE_PROFILE_WRITER_H

#include "store/database.h"

struct hak_columns;
struct hak_profile_writer;

/* Makes the writer of the profile's runs. 0 or an error. */
int hak_profile_writer_make(const struct hak_database *db, struct hak_profile_writer **out);
/* Lets the profile be all that is kept, from before the first event on. Runs end after a second,
 * and are joined as they grow old; there are no rows of profile_chunk. */
void hak_profile_stand_alone(struct hak_profile_writer *w);
/* It stands alone, and has ended: what comes is lost. */
bool hak_profile_is_over(const struct hak_profile_writer *w);
/* Notes a process and a thread, before their first events come. */
void hak_profile_writer_process(struct hak_profile_writer *w, uint32_t process, uint32_t parent,
                                uint64_t fork_event, uint32_t session, bool has_ended);
void hak_profile_writer_thread(struct hak_profile_writer *w, uint32_t thread, uint32_t number);
/* Takes the chunk that was just encoded and begins with event `first_id`. 0 or the store's error;
 * where memory is out the profile ends. */
int hak_profile_put_chunk(struct hak_profile_writer *w, const struct hak_columns *c,
                          uint64_t first_id);
/* Notes that the transaction with the put rows was committed: they need not be put again. */
void hak_profile_committed(struct hak_profile_writer *w);

/* Takes back what the rolled back transaction did; where that cannot be done the profile begins
 * anew, or stops if it stands alone. */
void hak_profile_rolled_back(struct hak_profile_writer *w);
/* Puts the run that is whole; readers read the events of one that has only begun. 0 or an error. */
int hak_profile_finish(struct hak_profile_writer *w);
/* Chunks before event `end` are going; sums over them stay. 0 or an error. */
int hak_profile_trim(struct hak_profile_writer *w, uint64_t end);
void hak_profile_writer_free(struct hak_profile_writer *w);

/* Gathers all stored chunks before event `end`, within a transaction. 0 or an error. */
int hak_profile_catch_up(struct hak_profile_writer *w, uint64_t end);
/* For tests: a log of up to `after` events has no profile, a run ends after so many events. */
void hak_profile_set_limits(struct hak_profile_writer *w, uint64_t after, uint64_t events);

#endif

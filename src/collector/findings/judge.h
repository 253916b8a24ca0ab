/* Tells whether a finding is news. The worker asks the suppressions and the baseline that the
 * session names.
 *
 *   HAKMEM_SUPPRESSIONS --> patterns over the stack  --> SUPPRESSED: not told, not stored, counted
 *   HAKMEM_BASELINE     --> fingerprints             --> BASELINE: stored, not told
 *   the block has such a finding                     --> the same
 *   none of them                                     --> NEW
 *
 * Files are read when the first session that names them comes, once each; one that cannot be read
 * or has an error is told in one line, and knows nothing. For the worker's thread. */
#ifndef HAK_COLLECTOR_FINDINGS_JUDGE_H
#define HAK_COLLECTOR_FINDINGS_JUDGE_H

#include "collector/capture/capture.h"
#include "report/known/known.h"
#include "store/reader/reader.h"

struct hak_client;

/* One file that was read. */
struct hak_judge_file {
    char *path;
    bool is_baseline;
    struct hak_suppressions *suppressions; /* NULL: it could not be read, as below */
    struct hak_baseline *baseline;
};

/* A block that has a known finding. */
struct hak_judge_block {
    uint32_t process;     /* row id */
    uint64_t base, birth; /* its first byte; the event of its allocation, 0 = not known */
    enum hak_answer answer;
};
#define HAK_JUDGE_BLOCKS 64 /* the newest ones */

struct hak_judge {
    struct hak_judge_file *files;
    uint32_t count, capacity;
    struct hak_judge_block blocks[HAK_JUDGE_BLOCKS];
    uint32_t blocks_known; /* so many were, in all */
};

/* Reads the files that a session just added names, and puts the suppressions into the store. */
void hak_judge_read(struct hak_judge *judge, struct hak_capture *capture,
                    const struct hak_client *client);

/* Frees all files that were read and clears the list. */
void hak_judge_free(struct hak_judge *judge);

/* A finding of `client`: its code (HKM number, 401 for leaks) and its fingerprint, with its own
 * stack `frames` and, where damage was found elsewhere than done, that of the allocation
 * (`allocated`, NULL = none). Counts the use of a suppression in the store: to be called outside of
 * a transaction, once for each finding. */
enum hak_answer hak_judge_ask(const struct hak_judge *judge, struct hak_capture *capture,
                              const struct hak_client *client, unsigned code,
                              const char *fingerprint, const struct hak_frame *frames, int count,
                              const struct hak_frame *allocated, int allocated_count);

/* The baseline's entry of a finding that HAK_ANSWER_BASELINE was given for, and by how
 * many percent a leak must grow to be new; NULL: there is none. */
const struct hak_baseline_entry *hak_judge_find_entry(const struct hak_judge *judge,
                                                      const struct hak_client *client,
                                                      const char *fingerprint, uint64_t *growth);

/* The answer for a finding of that block: a later one of a block that has a known one belongs to
 * it. Remembers the block where `block->answer`, which hak_judge_ask gave, says that it is known.
 */
enum hak_answer hak_judge_ask_block(struct hak_judge *judge, const struct hak_judge_block *block);

#endif

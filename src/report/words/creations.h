/* The places where the threads that a page names were created: each once, and who created them.
 * Reports, `why` and their JSON say it alike:
 *
 *     threads 2 "worker" and 3 "worker" were created by thread 1 "main" at:
 *
 * Of the main thread, of threads made by clone and of those that were there before the recording
 * nothing is known, and nothing is said. For one thread. */
#ifndef HAK_REPORT_WORDS_CREATIONS_H
#define HAK_REPORT_WORDS_CREATIONS_H

#include "base/json.h"
#include "report/words/lookup.h"
#include "report/text/text.h"

#define HAK_CREATIONS_MAX 16

struct hak_creation {
    struct hak_thread_words thread;
    struct hak_thread_words creator; /* number 0 = not known */
    uint32_t row, creator_row;       /* of the store, 0 = it has none */
    struct hak_frames frames;        /* none where no stack was kept */
};

struct hak_creations {
    struct hak_creation list[HAK_CREATIONS_MAX];
    int count;
    int more; /* threads that found no room in the list */
};

/* The creation of a thread, as the program itself has kept it. */
struct hak_kept_creation {
    uint32_t thread; /* number, 0 = nothing here */
    uint32_t creator;
    const struct hak_frame *frames;
    int frame_count;
};

/* Adds the thread with this row of the store, unless it is there or nothing is known of it. */
void hak_creations_add(struct hak_creations *all, struct hak_store_reader *r, uint32_t row);
/* Adds the creation of the thread that the fault itself keeps, where the store does not know it. */
void hak_creations_add_kept(struct hak_creations *all, struct hak_store_reader *r,
                            const struct hak_thread_words *thread,
                            const struct hak_kept_creation *kept);
/* Adds the threads that created those in the list, but not their creators in turn. */
void hak_creations_add_creators(struct hak_creations *all, struct hak_store_reader *r);
/* Moves threads together that were created by the same thread at the same stack; the first of each
 * keeps its place. */
void hak_creations_sort(struct hak_creations *all);
/* Counts how many in a row from `first` on were created by the same thread at the same stack. */
int hak_creations_alike(const struct hak_creations *all, int first);
/* "threads 2 "worker" and 3 "worker" were created by thread 1 "main"", of the `count` from `first`
 * on. */
void hak_creations_add_sentence(struct hak_text *text, const struct hak_creations *all, int first,
                                int count);
json_t *hak_creations_json(const struct hak_creations *all);
void hak_creations_free(struct hak_creations *all);

#endif

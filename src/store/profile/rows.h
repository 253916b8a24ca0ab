/* The three kinds of rows as bytes, each a blob with a checksum of its own (docs/specs/profile.md):
 *
 *   profile_key    new keys: groups and stacks
 *   profile_chunk  facts that a reader of the chunk cannot know: keys of blocks that it gives back
 *   profile_run    sums by process and key over a run of chunks; what each process held at its end
 *
 * A blob comes from a file that anybody may have written: nothing of it is used before it is
 * checked. */
#ifndef HAK_STORE_PROFILE_ROWS_H
#define HAK_STORE_PROFILE_ROWS_H

#include "base/amount.h"
#include "base/bytes.h"
#include "store/profile/keys.h"

#define HAK_PROFILE_FORMAT 1
#define HAK_PROFILE_HELD   2 /* format of runs that stand alone: nobody can read their events */

/* Sums of the blocks that came and went in a stretch, and of those that were short-lived: by the
 * process that held them and the key of their birth. */
struct hak_profile_row {
    uint32_t process, key;
    struct hak_amount came, went, brief;
    struct hak_amount inherited; /* only where runs stand alone */
    struct hak_amount left;      /* what an ended process held; in no file */
};

/* A process in a run. */
struct hak_profile_process {
    uint32_t process; /* row id */
    uint32_t parent;  /* it began in this run with what `parent` held; 0 = it did not */
    uint64_t fork;    /* after this event of the parent; */
    uint64_t first, inherited_bytes; /* its own first event, and how much it was */
    uint64_t live_bytes;             /* at the end of the run, what it inherited included */
    uint64_t most_bytes, most_at;    /* the most held after an event by which it grew, and the first
                                        such event of the run; 0, 0 = there is none */
    uint64_t unknown;                /* blocks given back without a known birth */
    uint64_t most_ns;                /* of most_at; only where runs stand alone */
};

/* All processes that run, together, in a run that stands alone. */
struct hak_profile_tree {
    uint64_t first_ns, last_ns;            /* of its events */
    uint64_t live_bytes;                   /* at its end */
    uint64_t most_bytes, most_at, most_ns; /* as of a process */
};

/* The blocks of a size class that a process holds. */
#define HAK_PROFILE_CLASSES 64 /* the last one: this and all greater ones, and none */
struct hak_profile_class {
    uint32_t process, class_index;
    struct hak_amount live;
};
static inline uint32_t hak_profile_class_of(uint32_t class_index) {
    return class_index < HAK_PROFILE_CLASSES - 1 ? class_index : HAK_PROFILE_CLASSES - 1;
}

/* Sorted: processes by row id, rows by (process, key). */
struct hak_profile_run {
    uint64_t first, last; /* events */
    struct hak_profile_process *process;
    uint32_t processes, process_room;
    struct hak_profile_row *row;
    uint32_t rows, row_room;
    bool is_alone; /* its tree, most_ns of processes and what rows inherited are there */
    struct hak_profile_tree tree;
    /* The blocks that its processes hold at its end, at least one row for each; in table
     * profile_class, not in the blob. Not of runs that stand alone. */
    struct hak_profile_class *class_row;
    uint32_t classes, class_room;
};

/* A birth that the reader of a chunk cannot know, or can only guess. */
struct hak_profile_exception {
    uint32_t at;  /* place of the event in the chunk */
    uint32_t key; /* of the life that stands there before the event */
    uint64_t size;
    bool is_brief;
};
/* A process that began in the chunk with the blocks of its parent. */
struct hak_profile_origin {
    uint32_t process, parent;
    uint64_t fork;
};
/* The lives of a chunk that began before the run. */
struct hak_profile_chunk {
    /* The keys of those that it ends, in the order of their ends; 0 = no birth is known. The size
     * is the event's. */
    uint32_t *end;
    uint32_t ends, end_room;
    struct hak_profile_exception *exception; /* all others, in the order of `at` */
    uint32_t exceptions, exception_room;
    struct hak_profile_origin *origin;
    uint32_t origins, origin_room;
};

/* Brings processes and rows into their order. */
void hak_profile_run_sort(struct hak_profile_run *run);
/* Adds the run that follows `to`, both in order, to it. False when memory is out. */
bool hak_profile_run_join(struct hak_profile_run *to, const struct hak_profile_run *next);
void hak_profile_run_free(struct hak_profile_run *run);
void hak_profile_chunk_free(struct hak_profile_chunk *chunk);

/* Appends the blob of keys to `out`. False when memory is out. */
bool hak_profile_keys_encode(const struct hak_profile_key *key, uint32_t count,
                             struct hak_buffer *out);

/* Appends the blob of a chunk's ends, exceptions and origins to `out`. False when memory is out. */
bool hak_profile_chunk_encode(const struct hak_profile_chunk *chunk, struct hak_buffer *out);

/* Appends the blob of a run to `out`; that of one that stands alone has also classes and the tree.
 * False when memory is out. */
bool hak_profile_run_encode(const struct hak_profile_run *run, struct hak_buffer *out);

/* Reads a blob of keys; they are added behind the others and must be new ones. NULL, or what is
 * wrong. */
const char *hak_profile_keys_decode(const uint8_t *blob, size_t bytes, struct hak_profile_keys *to);

/* Reads the blob of a chunk's ends, exceptions and origins; `to` is filled anew. NULL, or what is
 * wrong. */
const char *hak_profile_chunk_decode(const uint8_t *blob, size_t bytes,
                                     struct hak_profile_chunk *to);

/* Reads the blob of a run; `to` is filled anew but for `first` and `last`, which are set before.
 * NULL, or what is wrong. */
const char *hak_profile_run_decode(const uint8_t *blob, size_t bytes, struct hak_profile_run *to);

#endif

/* Follows many blocks at once through their events, each in the order of its generations.
 *
 * Within a commit the collector has put every block's events in order; between neighbouring commits
 * an event may have come too early. Such a one is held until those before it have come, or until
 * the chunk after the next begins: then what is missing was lost. A forked child's block starts
 * with what its parent's was. Memory: about 200 bytes for each block followed. */
#ifndef HAK_STORE_HISTORY_TRACK_H
#define HAK_STORE_HISTORY_TRACK_H

#include "store/history/life.h"

struct hak_tracked {
    uint64_t base;
    uint64_t generation; /* of the event told last */
    uint64_t last_id;    /* the greatest of those told */
    uint32_t process;
    uint32_t held;  /* first of its held events, + 1 */
    bool is_known;  /* an event was told */
    bool is_midway; /* a forked child's: what it was at the FORK is not here */
    bool has_place;
    uint8_t place;
    struct hak_life_state life;
    uint64_t birth_generation;
    struct hak_event birth; /* id 0 = not known */
    uint64_t last_size;
    uint32_t resizes;
};

/* Told for every event in order. `missing`: so many events of the block before it are not there. */
typedef int (*hak_track_each)(void *context, struct hak_tracked *block, const struct hak_event *e,
                              uint64_t missing);

struct hak_held;
struct hak_track {
    struct hak_tracked *table;
    uint32_t slots, used;
    struct hak_held *held;
    uint32_t held_room, held_free, held_count;
    uint32_t *parent_of; /* process row -> parent's row in the same session, 0 = none */
    uint64_t *fork_of;   /* and id of the FORK that made it, 0 = not known */
    uint32_t processes;
    uint64_t chunk; /* number of the chunk being fed */
    hak_track_each each;
    void *context;
};

int hak_track_init(struct hak_track *t, struct hak_store_reader *r, hak_track_each each,
                   void *context);
void hak_track_free(struct hak_track *t);
/* Forgets every block. */
void hak_track_clear(struct hak_track *t);
/* The next event (moves of blocks only) of chunk number `chunk` (numbers grow by 1). Returns what
 * `each` returned if not 0, or an error. */
int hak_track_feed(struct hak_track *t, const struct hak_event *e, uint64_t chunk);
/* No more events come: tells what is held. */
int hak_track_flush(struct hak_track *t);

#endif

/* Documents that wait for their server: files of a folder of the user's own.
 *
 *   $XDG_STATE_HOME/hakmem_push, else ~/.hakmem_push
 *     00001795477369654234-1c291ca3.json    written whole (then renamed); its name has the time and
 *                                           the CRC-32C of its bytes
 *     ....json.broken                       set aside: it is not what was written
 *     dropped                               a line for each that had to make room
 *
 * A process that writes or makes room holds a lock (flock) on the folder; one that sends a
 * document, a lock on that. One thread each, any number of processes. */
#ifndef HAK_VIEWER_FLEET_QUEUE_H
#define HAK_VIEWER_FLEET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUEUE_DOCUMENTS = 1000, QUEUE_BYTES = 64 << 20, QUEUE_NAME = 48 };

struct queue {
    int folder;
    char *path;
    char why[512]; /* what went wrong last, in a line */
};

/* Opens the queue's folder. False: `why` says why not; with `make` the folder is made where there
 * is none, without it none is an empty one (folder -1). */
bool queue_open(struct queue *queue, bool make);

/* Closes the folder and frees the path. */
void queue_close(struct queue *queue);

/* Puts a document in under a name of time and checksum, makes room for it, and fills in its name.
 * False, with the reason: it is too long, or the queue is held or cannot be written. */
bool queue_add(struct queue *queue, const char *document, size_t bytes, char name[QUEUE_NAME]);

/* Lists the documents' names, oldest first; the caller frees each and the list. `bytes` of all.
 * False, with the reason: it cannot be read. A queue that is not open has none. */
bool queue_list(struct queue *queue, char ***names, uint32_t *count, uint64_t *bytes);

enum queue_taken {
    QUEUE_TAKEN,
    QUEUE_GONE,   /* somebody else has sent it */
    QUEUE_BUSY,   /* somebody else sends it now */
    QUEUE_BROKEN, /* was set aside */
    QUEUE_FAILED, /* `why` */
};
/* Takes a document for sending; `fd` holds the lock until it is closed. The caller frees `text`. */
enum queue_taken queue_take(struct queue *queue, const char *name, int *fd, char **text,
                            size_t *bytes);
/* It has come: removes it. */
void queue_remove(struct queue *queue, const char *name);
/* Renames it to NAME.broken. */
void queue_set_aside(struct queue *queue, const char *name);
bool queue_is_set_aside(const struct queue *queue, const char *name);
/* How many documents had to make room since this was asked last; 0 also where the queue is held by
 * another process. */
uint32_t queue_take_dropped_count(struct queue *queue);

#endif

/* The play file while it is written: a stream of words for each thread, in blocks of one file
 * without a name. A stream that is open takes a block of memory. */
#ifndef HAK_VIEWER_REPLAY_STREAMS_H
#define HAK_VIEWER_REPLAY_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "player/play.h"

struct stream {
    uint64_t *words; /* the block at hand; NULL = none */
    unsigned count;
    uint64_t number, first; /* of the block at hand and of the first one; PLAY_NO_BLOCK = none */
};

struct streams {
    int file; /* -1 = none */
    char *folder;
    uint64_t blocks, bytes; /* bytes: written so far */
    int error;              /* errno of what failed first; 0 = nothing has */
};

/* Makes the file in TMPDIR, else in `folder` (NULL: none is known), else in /tmp. False: errno says
 * why not; streams->folder is the last place. */
bool streams_open(struct streams *streams, const char *folder);
/* Adds a word. After an error, which is kept, it does nothing. */
void stream_add(struct streams *streams, struct stream *stream, uint64_t word);
/* Writes what is at hand and frees it: no more words come. */
void stream_close(struct streams *streams, struct stream *stream);
/* Appends bytes behind all blocks, and gives their offset. */
uint64_t streams_append(struct streams *streams, const void *bytes, size_t count);
/* Writes the head: the file is whole. */
void streams_finish(struct streams *streams, const struct play_head *head);
/* Closes the file, which goes with it. */
void streams_free(struct streams *streams);

#endif

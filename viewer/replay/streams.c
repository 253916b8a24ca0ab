/* Writes the play file: blocks of words, each naming the next one of its thread. */
#include "viewer/replay/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Makes a file in the folder, whose name goes at once. False: errno. */
static bool make_file(struct streams *s, const char *folder) {
    char *path = NULL;
    free(s->folder);
    s->folder = strdup(folder);
    if (!s->folder || asprintf(&path, "%s/hakmem-play.XXXXXX", folder) < 0) {
        errno = ENOMEM;
        return false;
    }
    s->file = mkostemp(path, O_CLOEXEC);
    int error = errno;
    if (s->file >= 0)
        unlink(path);
    free(path);
    errno = error;
    return s->file >= 0;
}

bool streams_open(struct streams *s, const char *folder) {
    const char *named = getenv("TMPDIR");
    *s = (struct streams){.file = -1, .bytes = PLAY_BLOCK_BYTES};
    if (named && named[0] == '/')
        return make_file(s, named);
    return (folder && make_file(s, folder)) || make_file(s, "/tmp");
}

/* Writes at an offset, all of it; keeps the first error. */
static void write_at(struct streams *s, const void *bytes, size_t count, uint64_t offset) {
    for (size_t done = 0; done < count && !s->error;) {
        ssize_t wrote =
            pwrite(s->file, (const char *)bytes + done, count - done, (off_t)(offset + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            s->error = wrote < 0 ? errno : ENOSPC;
        else
            done += (size_t)wrote;
    }
    if (!s->error && offset + count > s->bytes)
        s->bytes = offset + count;
}

static void write_block(struct streams *s, struct stream *t, uint64_t next) {
    t->words[PLAY_BLOCK_WORDS] = next;
    write_at(s, t->words, PLAY_BLOCK_BYTES, PLAY_BLOCK_BYTES * (t->number + 1));
    t->number = next;
    t->count = 0;
}

void stream_add(struct streams *s, struct stream *t, uint64_t word) {
    if (!t->words) {
        t->words = calloc(1, PLAY_BLOCK_BYTES);
        if (!t->words) {
            s->error = s->error ? s->error : ENOMEM;
            return;
        }
        t->first = t->number = s->blocks++;
    }
    if (t->count == PLAY_BLOCK_WORDS)
        write_block(s, t, s->blocks++);
    t->words[t->count++] = word;
}

void stream_close(struct streams *s, struct stream *t) {
    if (t->words)
        write_block(s, t, PLAY_NO_BLOCK);
    free(t->words);
    t->words = NULL;
}

uint64_t streams_append(struct streams *s, const void *bytes, size_t count) {
    uint64_t offset = (s->bytes + 63) & ~63ull;
    if (offset < PLAY_BLOCK_BYTES * (s->blocks + 1))
        offset = PLAY_BLOCK_BYTES * (s->blocks + 1);
    if (count)
        write_at(s, bytes, count, offset);
    else
        s->bytes = s->bytes < offset ? offset : s->bytes;
    return offset;
}

void streams_finish(struct streams *s, const struct play_head *head) {
    char block[PLAY_BLOCK_BYTES] = {0};
    memcpy(block, head, sizeof *head);
    write_at(s, block, sizeof block, 0);
}

void streams_free(struct streams *s) {
    if (s->file >= 0)
        close(s->file);
    free(s->folder);
    *s = (struct streams){.file = -1};
}

/* The output for another program: stdout, or a file that is there whole or not at all; as it is, or
 * compressed. */
#include "viewer/cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "base/bytes.h"
#include "report/words/words.h"
#include "store/file.h"
#include "viewer/cli/cli.h"

#define GZIP_WINDOW (15 + 16) /* of deflateInit2: the largest window, in a file of gzip */

/* ---- what takes the bytes ----------------------------------------------------------------------
 */

/* Writes to the file or stdout; after an error nothing more. */
static void write_to_sink(struct view_sink *sink, const void *bytes, size_t count) {
    if (sink->error || !count)
        return;
    errno = 0;
    bool good =
        sink->fd < 0 ? view_write_bytes(bytes, count) : hak_write_fully(sink->fd, bytes, count);
    if (!good)
        sink->error = errno ? errno : EIO;
    else
        sink->bytes += count;
}

/* Compresses and writes. */
static void pack(struct view_sink *sink, const void *bytes, size_t count, int flush) {
    unsigned char out[VIEW_SINK_BYTES];
    z_stream *z = sink->packer;
    z->next_in = (unsigned char *)(uintptr_t)bytes;
    z->avail_in = (unsigned)count;
    do {
        z->next_out = out;
        z->avail_out = sizeof out;
        int result = deflate(z, flush);
        if (result == Z_STREAM_ERROR) {
            sink->error = sink->error ? sink->error : ENOMEM;
            return;
        }
        write_to_sink(sink, out, sizeof out - z->avail_out);
    } while (z->avail_out == 0);
}

/* Writes the buffer out, compressed where that is asked for. */
static void empty_buffer(struct view_sink *sink) {
    if (sink->packer)
        pack(sink, sink->buffer, sink->used, Z_NO_FLUSH);
    else
        write_to_sink(sink, sink->buffer, sink->used);
    sink->used = 0;
}

void view_sink_add_bytes(struct view_sink *sink, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count && !sink->error) {
        size_t room = sizeof sink->buffer - sink->used, part = count < room ? count : room;
        memcpy(sink->buffer + sink->used, from, part);
        sink->used += part;
        from += part;
        count -= part;
        if (sink->used == sizeof sink->buffer)
            empty_buffer(sink);
    }
}

void view_sink_add(struct view_sink *sink, struct hak_text *text) {
    if (text->failed)
        sink->error = sink->error ? sink->error : ENOMEM;
    else
        view_sink_add_bytes(sink, text->bytes, text->length);
    hak_text_free(text);
}

/* ---- begin and end -----------------------------------------------------------------------------
 */

/* Prints that memory is out or why the file cannot be written; errors of stdout are left to
 * view_end_output. */
static void say_error(const struct view_sink *sink) {
    if (sink->error == ENOMEM)
        view_error("out of memory");
    else if (sink->path)
        view_error("%s cannot be written: %s", sink->path, strerror(sink->error));
    /* of stdout, view_end_output says it */
}

/* A device or a pipe: no file that could be replaced. */
static bool is_special(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

/* Opens the file beside its final name, or a special file itself. False: it failed. */
static bool open_file(struct view_sink *sink) {
    if (is_special(sink->path))
        sink->fd = open(sink->path, O_WRONLY | O_CLOEXEC);
    else if (asprintf(&sink->next, "%s.new.%d", sink->path, (int)getpid()) >= 0)
        sink->fd = open(sink->next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    else
        sink->next = NULL;
    sink->is_file = sink->next != NULL;
    if (sink->fd >= 0)
        return true;
    sink->error = errno;
    free(sink->next);
    sink->next = NULL;
    return false;
}

/* Begins to compress as gzip. False without memory. */
static bool begin_packing(struct view_sink *sink) {
    z_stream *z = calloc(1, sizeof *z);
    if (!z || deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL,
                           Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        sink->error = ENOMEM;
        return false;
    }
    sink->packer = z;
    return true;
}

bool view_sink_check(const char *path) {
    static const char *const names[] = {[HAK_FILE_SQLITE] = "a database",
                                        [HAK_FILE_STORE] = "a capture",
                                        [HAK_FILE_RINGS] = "a record for import"};
    enum hak_file_kind kind = hak_store_file_kind(path);
    if (kind == HAK_FILE_OTHER)
        return true;
    view_error("%s is %s, and is not overwritten; name another file", path, names[kind]);
    return false;
}

bool view_sink_open(struct view_sink *sink, const char *path, bool packs) {
    *sink = (struct view_sink){.fd = -1};
    if (path && path[0] && strcmp(path, "-") != 0)
        sink->path = path;
    if (sink->path && !view_sink_check(sink->path))
        return false;
    if ((sink->path && !open_file(sink)) || (packs && !begin_packing(sink))) {
        say_error(sink);
        view_sink_close(sink, false);
        return false;
    }
    return true;
}

bool view_sink_try(const char *path) {
    static struct view_sink sink; /* too large for a stack frame */
    struct stat status;
    bool is_there = stat(path, &status) == 0;
    if (strcmp(path, "-") == 0)
        return true;
    if (!is_there || S_ISREG(status.st_mode)) {
        bool good = view_sink_open(&sink, path, false);
        view_sink_close(&sink, false);
        return good;
    }
    if (!S_ISDIR(status.st_mode) && access(path, W_OK) == 0)
        return true; /* a pipe is not opened twice */
    view_error("%s cannot be written: %s", path,
               strerror(S_ISDIR(status.st_mode) ? EISDIR : errno));
    return false;
}

bool view_sink_close(struct view_sink *sink, bool is_whole) {
    bool was_open = sink->fd >= 0 || !sink->path;
    if (was_open && is_whole) {
        empty_buffer(sink);
        if (sink->packer)
            pack(sink, "", 0, Z_FINISH);
    }
    if (sink->packer)
        deflateEnd(sink->packer);
    free(sink->packer);
    sink->packer = NULL;
    is_whole = is_whole && was_open && !sink->error;
    errno = 0;
    if (sink->fd >= 0 && sink->next)
        is_whole = is_whole && fsync(sink->fd) == 0;
    if (sink->fd >= 0 && close(sink->fd) != 0)
        is_whole = false;
    if (sink->next && is_whole && rename(sink->next, sink->path) != 0)
        is_whole = false;
    if (was_open && (errno || sink->error)) {
        sink->error = sink->error ? sink->error : errno;
        say_error(sink);
    }
    if (sink->next && !is_whole)
        unlink(sink->next);
    free(sink->next);
    sink->next = NULL;
    sink->fd = -1;
    return is_whole;
}

void view_sink_say(const struct view_sink *sink, const char *capture) {
    if (sink->path && sink->is_file)
        view_write(stdout, "%s  %s%s%s\n", sink->path, hak_words_size(sink->bytes),
                   capture ? ", of " : "", capture ? capture : "");
}

bool view_sink_write_file(const char *path, const char *text) {
    static struct view_sink sink; /* too large for a stack frame */
    if (!view_sink_open(&sink, path, false))
        return false;
    view_sink_add_bytes(&sink, text, strlen(text));
    return view_sink_close(&sink, true);
}

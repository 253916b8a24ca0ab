/* The output for another program: stdout, or a file that is there whole or not at all.
 *
 *   view_sink_add --> buffer --(gzip)--> stdout, a device or pipe
 *                                    --> FILE.new.PID --view_sink_close--> FILE
 *
 * A capture is never written over. The first error ends the writing and is said once, at the end;
 * of stdout by view_end_output. For one thread. */
#ifndef HAK_VIEWER_CLI_SINK_H
#define HAK_VIEWER_CLI_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "report/text/text.h"

#define VIEW_SINK_BYTES 65536

struct view_sink {
    const char *path; /* NULL = stdout */
    char *next;       /* the file that takes its place; NULL = none does */
    int fd;           /* -1 = stdout */
    void *packer;     /* zlib's state; NULL = nothing is compressed */
    int error;        /* errno of the first error, 0 = none */
    size_t used;
    uint64_t bytes; /* that were written, as they are in the file */
    bool is_file;   /* `path` is a file, no device or pipe */
    char buffer[VIEW_SINK_BYTES];
};

/* Checks that an answer may be written to `path`: not over a capture, another database or a record
 * for import, which one letter too few makes of an input. False: printed. */
bool view_sink_check(const char *path);
/* Checks that a file can be written there, before the work for it; writes nothing. False: printed.
 */
bool view_sink_try(const char *path);
/* Begins to write to `path`, which the caller keeps; stdout where it is NULL, "" or "-". `packs`:
 * compressed, as gzip does. A path that is no regular file is written to directly. False: printed,
 * of view_sink_check, too. */
bool view_sink_open(struct view_sink *sink, const char *path, bool packs);
/* Adds bytes as they are. */
void view_sink_add_bytes(struct view_sink *sink, const void *bytes, size_t count);
/* Adds a text and frees it. */
void view_sink_add(struct view_sink *sink, struct hak_text *text);
/* Closes the sink: its file takes the place of the old one where the answer `is_whole`, else what
 * was there stays. False: not whole; an error of a file is printed. */
bool view_sink_close(struct view_sink *sink, bool is_whole);
/* Reports a written file: "app.html  178.0 KiB, of app.db" on stdout; nothing for stdout, a device
 * or a pipe. `capture` NULL: it is not named. */
void view_sink_say(const struct view_sink *sink, const char *capture);
/* Writes a whole file at once: a text that ends with its NUL. False: printed. */
bool view_sink_write_file(const char *path, const char *text);

#endif

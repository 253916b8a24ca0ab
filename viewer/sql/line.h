/* Lines that a person types: with editing and a history where the terminal allows, as they come
 * otherwise. For the shell of `sql`. */
#ifndef HAK_VIEWER_SQL_LINE_H
#define HAK_VIEWER_SQL_LINE_H

#include "viewer/capture/capture.h"

struct lines;

/* Opens the lines to read; they are edited when stdin and stdout are a terminal that is not dumb.
 * NULL: memory ran out. */
struct lines *lines_open(const struct view *view);
/* The next line, with its newline, after `prompt`; it belongs to `lines` until the next call. NULL:
 * the end of input, or Ctrl-C (view_is_interrupted tells). */
const char *lines_next(struct lines *lines, const char *prompt);
/* Writes the history to its file, mode 0600, and frees. */
void lines_close(struct lines *lines);

#endif

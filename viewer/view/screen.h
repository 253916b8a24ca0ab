/* The terminal: the one place that knows of it (ncurses). It is put back as it was by screen_end,
 * whatever ended the command; while the person has stopped it with Ctrl-Z, too.
 *
 * SIGINT, SIGTERM and SIGHUP only set what screen_signal tells, so that the caller ends well. */
#ifndef HAK_VIEWER_VIEW_SCREEN_H
#define HAK_VIEWER_VIEW_SCREEN_H

#include "report/text/text.h"
#include "viewer/view/canvas.h"
#include "viewer/view/keys.h"

/* Takes the terminal of stdin and stdout over; `has_color` where it may show colours. False: the
 * reason, for a person, is appended to `why`. */
bool screen_begin(bool has_color, struct hak_text *why);

/* Gives the terminal back, if it was taken, and the signals; after SIGHUP the last line is not
 * cleared. */
void screen_end(void);
bool screen_is_utf8(void);
void screen_size(int *rows, int *columns);
/* Shows the canvas, as far as the screen's size reaches. */
void screen_show(const struct canvas *canvas);
/* Waits at most so long for a key: false where none came, or a signal did. */
bool screen_read(int milliseconds, struct key *out);
/* Whether Esc was typed; other keys are kept for screen_read. */
bool screen_is_escape_typed(void);
/* The signal that wants this to end, 0 = none. */
int screen_signal(void);

#endif

/* The screen as cells: pages draw on them, and tests read them.
 *
 *   visible text (report/text) --canvas_put--> cells: a character, its marks, a style --> screen
 *
 * Text comes in its visible form; what it still has of control characters is drawn as '?', and so
 * is all that is not ASCII where the terminal is not UTF-8. A character of two columns that does
 * not fit is left out. */
#ifndef HAK_VIEWER_VIEW_CANVAS_H
#define HAK_VIEWER_VIEW_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum canvas_style {
    CANVAS_PLAIN,
    CANVAS_BOLD,
    CANVAS_RED,
    CANVAS_DIM,
    CANVAS_PLACE,    /* file:line */
    CANVAS_HEADING,  /* of columns */
    CANVAS_BAR,      /* the first line, and names of keys */
    CANVAS_SELECTED, /* the row of the cursor, in the pane that has the keys */
    CANVAS_MARKED,   /* the row of the cursor, in the other pane; a found word */
    CANVAS_CHART,
    CANVAS_SPAN, /* of the chart, inside of the span */
    CANVAS_NEW,  /* came since the last refresh */
    CANVAS_STYLES,
};

#define CANVAS_MARKS 2 /* combining characters kept of a cell */

struct canvas_cell {
    uint32_t ch[1 + CANVAS_MARKS]; /* code points; ch[0] 0 = the right half of a wide one */
    uint8_t style;
};

struct canvas {
    struct canvas_cell *cell; /* row by row */
    int rows, columns;
    bool is_utf8; /* else only ASCII is drawn */
};

/* Gives the canvas another size, empty. False without memory. */
bool canvas_resize(struct canvas *canvas, int rows, int columns);
void canvas_clear(struct canvas *canvas);
void canvas_free(struct canvas *canvas);

/* Draws `length` bytes of text from `column` on, up to column `end` (not with it); what does not
 * fit ends with a mark. Returns the column behind it. Outside of the canvas nothing is drawn. */
int canvas_put_bytes(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
                     const char *text, size_t length);
int canvas_put(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
               const char *text);
/* The same with its last character in column `end` - 1. */
void canvas_put_right(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
                      const char *text);
/* Writes one character. */
void canvas_put_char(struct canvas *canvas, int row, int column, enum canvas_style style,
                     uint32_t character);
/* The same character in columns from `column` up to `end` of a row. */
void canvas_fill(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
                 uint32_t character);

/* The code point at `text`, which has `left` bytes, and its bytes; '?' and 1 for a byte that is
 * part of none, and for control characters. */
uint32_t canvas_decode(const char *text, size_t left, size_t *bytes);
/* Columns that a text takes. */
int canvas_width(const struct canvas *canvas, const char *text, size_t length);
/* The bytes at the start of `text` that take `columns` columns. */
size_t canvas_skip(const struct canvas *canvas, const char *text, int columns);

#endif

/* Lines that are put together for people (why, reports, stacks) with hakmem's own codes of colour
 * in them, on a canvas. */
#ifndef HAK_VIEWER_VIEW_CODED_H
#define HAK_VIEWER_VIEW_CODED_H

#include "viewer/view/canvas.h"

/* Draws one line without its first `shift` columns, up to column `end`. Each place that has
 * `sought` ("" = none) is marked; small letters of it stand for large ones, too, where
 * `is_any_case`. */
void coded_put(struct canvas *canvas, int row, int column, int end, int shift, const char *line,
               size_t length, const char *sought, bool is_any_case);
/* Appends the line without the codes. Returns its bytes; `to` has room for `length` and a NUL. */
size_t coded_strip(char *to, const char *line, size_t length);
/* The lines of a text: where each begins; the last one ends at the end of the text. Text that is no
 * table (no two blanks in a row except at its beginning) goes on in another line where it is wider
 * than `width` columns, 0 = never. The caller frees them. NULL without memory. */
size_t *coded_find_lines(const char *text, int width, int *count);
/* Bytes of line `i`, without its end. */
size_t coded_length(const char *text, const size_t *begin, int count, int i);

#endif

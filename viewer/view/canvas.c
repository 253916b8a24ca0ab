/* Cells of the screen. */
#include "viewer/view/canvas.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "visible.h"

bool canvas_resize(struct canvas *canvas, int rows, int columns) {
    size_t cells = (size_t)rows * (size_t)columns;
    struct canvas_cell *cell = calloc(cells ? cells : 1, sizeof *cell);
    if (!cell)
        return false;
    free(canvas->cell);
    canvas->cell = cell;
    canvas->rows = rows;
    canvas->columns = columns;
    canvas_clear(canvas);
    return true;
}

void canvas_clear(struct canvas *canvas) {
    for (int row = 0; row < canvas->rows; row++)
        canvas_fill(canvas, row, 0, canvas->columns, CANVAS_PLAIN, ' ');
}

void canvas_free(struct canvas *canvas) {
    free(canvas->cell);
    *canvas = (struct canvas){0};
}

/* The cell, or NULL outside of the canvas. */
static struct canvas_cell *cell_at(struct canvas *canvas, int row, int column) {
    if (row < 0 || row >= canvas->rows || column < 0 || column >= canvas->columns)
        return NULL;
    return &canvas->cell[row * canvas->columns + column];
}

void canvas_put_char(struct canvas *canvas, int row, int column, enum canvas_style style,
                     uint32_t character) {
    struct canvas_cell *cell = cell_at(canvas, row, column);
    if (cell)
        *cell = (struct canvas_cell){{character}, (uint8_t)style};
}

void canvas_fill(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
                 uint32_t character) {
    for (; column < end; column++)
        canvas_put_char(canvas, row, column, style, character);
}

uint32_t canvas_decode(const char *text, size_t left, size_t *bytes) {
    static const uint8_t kept[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *at = (const unsigned char *)text;
    int count = hak_visible_bytes(at, left);
    *bytes = count ? (size_t)count : 1;
    if (!count)
        return '?';
    uint32_t character = at[0] & kept[count];
    for (int i = 1; i < count; i++)
        character = character << 6 | (at[i] & 0x3f);
    return character;
}

/* Returns the columns of a character, 0 for a combining one. ASCII has 1; above it, wcwidth
 * decides, and what has no width, or any on a terminal without UTF-8, becomes '?'. */
static int width_of(const struct canvas *canvas, uint32_t *character) {
    if (*character < 0x80)
        return 1;
    int width = canvas->is_utf8 ? wcwidth((wchar_t)*character) : -1;
    if (width < 0) {
        *character = '?';
        width = 1;
    }
    return width;
}

/* Adds a combining mark to a cell, as long as there is room for one. */
static void add_mark(struct canvas_cell *cell, uint32_t mark) {
    for (int i = 1; cell && i <= CANVAS_MARKS; i++)
        if (!cell->ch[i]) {
            cell->ch[i] = mark;
            return;
        }
}

int canvas_put_bytes(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
                     const char *text, size_t length) {
    int last = -1; /* column of the character before */
    size_t bytes;
    if (end > canvas->columns)
        end = canvas->columns;
    for (size_t i = 0; i < length; i += bytes) {
        uint32_t character = canvas_decode(text + i, length - i, &bytes);
        int width = width_of(canvas, &character);
        if (width == 0) {
            add_mark(last < 0 ? NULL : cell_at(canvas, row, last), character);
            continue;
        }
        if (column + width > end) {
            struct canvas_cell *behind = cell_at(canvas, row, end - 1);
            if (last >= 0 && column == end && behind && !behind->ch[0])
                canvas_put_char(canvas, row, end - 2, style, ' '); /* half of a wide one */
            if (last >= 0)
                canvas_put_char(canvas, row, end - 1, style, canvas->is_utf8 ? 0x2026 : '~');
            return end;
        }
        canvas_put_char(canvas, row, column, style, character);
        if (width == 2)
            canvas_put_char(canvas, row, column + 1, style, 0);
        last = column;
        column += width;
    }
    return column;
}

int canvas_put(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
               const char *text) {
    return canvas_put_bytes(canvas, row, column, end, style, text, strlen(text));
}

void canvas_put_right(struct canvas *canvas, int row, int column, int end, enum canvas_style style,
                      const char *text) {
    int width = canvas_width(canvas, text, strlen(text));
    canvas_put(canvas, row, end - width > column ? end - width : column, end, style, text);
}

int canvas_width(const struct canvas *canvas, const char *text, size_t length) {
    int width = 0;
    size_t bytes;
    for (size_t i = 0; i < length; i += bytes) {
        uint32_t character = canvas_decode(text + i, length - i, &bytes);
        width += width_of(canvas, &character);
    }
    return width;
}

size_t canvas_skip(const struct canvas *canvas, const char *text, int columns) {
    size_t length = strlen(text), i = 0, bytes;
    for (; i < length && columns > 0; i += bytes) {
        uint32_t character = canvas_decode(text + i, length - i, &bytes);
        columns -= width_of(canvas, &character);
    }
    return i;
}

/* Draws the timeline. */
#include "viewer/view/chart.h"

#define DOTS_BRAILLE 4 /* of a cell's height */
#define DOTS_BLOCKS  8
#define DOTS_ASCII   2

int chart_per_column(enum chart_kind kind) {
    return kind == CHART_BRAILLE ? 2 : 1;
}

static int dots_of_cell(enum chart_kind kind) {
    return kind == CHART_BRAILLE ? DOTS_BRAILLE : kind == CHART_BLOCKS ? DOTS_BLOCKS : DOTS_ASCII;
}

/* The height of a value in dots: one that is not 0 has at least one. */
static int height_of(const struct chart *c, int value) {
    int most = c->rows * dots_of_cell(c->kind);
    if (!c->most || !c->value[value])
        return 0;
    unsigned __int128 up = (unsigned __int128)c->value[value] * (unsigned)most + c->most - 1;
    int height = (int)(up / c->most);
    return height > most ? most : height;
}

/* Dots of a cell that are below a height. */
static int dots_in(const struct chart *c, int height, int row) {
    int dots = dots_of_cell(c->kind), in = height - (c->rows - 1 - row) * dots;
    return in < 0 ? 0 : in > dots ? dots : in;
}

/* The character of a cell of the chart, in braille, blocks or ASCII. */
static uint32_t glyph_at(const struct chart *c, int column, int row) {
    static const uint8_t left[] = {0, 0x40, 0x44, 0x46, 0x47},
                         right[] = {0, 0x80, 0xa0, 0xb0, 0xb8};
    if (c->kind == CHART_BRAILLE) {
        int a = dots_in(c, height_of(c, 2 * column), row);
        int b = dots_in(c, height_of(c, 2 * column + 1), row);
        return a || b ? 0x2800u + left[a] + right[b] : ' ';
    }
    int dots = dots_in(c, height_of(c, column), row);
    if (c->kind == CHART_BLOCKS)
        return dots ? 0x2580u + (unsigned)dots : ' ';
    return dots == 0 ? ' ' : dots == 1 ? '.' : '#';
}

/* The style of a column: the cursor's, the span's or the plain chart's. */
static enum canvas_style style_of(const struct chart *c, int column) {
    if (column == c->cursor)
        return c->has_keys ? CANVAS_SELECTED : CANVAS_MARKED;
    bool is_in = c->span_from >= 0 && column >= c->span_from && column <= c->span_to;
    return is_in ? CANVAS_SPAN : CANVAS_CHART;
}

/* Draws all cells of the chart on the canvas. */
void chart_draw(struct canvas *canvas, const struct chart *c) {
    for (int row = 0; row < c->rows; row++)
        for (int column = 0; column < c->columns; column++) {
            uint32_t cell = glyph_at(c, column, row);
            canvas_put_char(canvas, c->row + row, c->column + column, style_of(c, column), cell);
        }
}

int chart_column(uint64_t ns, uint64_t from_ns, uint64_t to_ns, int columns) {
    if (ns < from_ns || ns > to_ns || columns <= 0)
        return -1;
    if (to_ns == from_ns)
        return columns - 1;
    /* A column has what lies behind the last time of the one before. */
    unsigned __int128 part = (unsigned __int128)(ns - from_ns) * (unsigned)columns;
    int column = (int)(part / (to_ns - from_ns));
    column = column >= columns ? columns - 1 : column;
    return column > 0 && ns <= chart_time(column - 1, from_ns, to_ns, columns) ? column - 1
                                                                               : column;
}

uint64_t chart_time(int column, uint64_t from_ns, uint64_t to_ns, int columns) {
    unsigned __int128 part = (unsigned __int128)(to_ns - from_ns) * (unsigned)(column + 1);
    return from_ns + (uint64_t)(part / (unsigned)columns);
}

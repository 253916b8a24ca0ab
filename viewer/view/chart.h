/* The timeline: live bytes over time, filled up to their height, in braille (two by four dots a
 * cell), in block characters (eighths of a cell), or in ASCII. */
#ifndef HAK_VIEWER_VIEW_CHART_H
#define HAK_VIEWER_VIEW_CHART_H

#include "viewer/view/canvas.h"

enum chart_kind { CHART_BRAILLE, CHART_BLOCKS, CHART_ASCII };

/* Values beside each other in a column of the screen. */
int chart_per_column(enum chart_kind kind);

struct chart {
    enum chart_kind kind;
    const uint64_t *value; /* columns * chart_per_column() */
    uint64_t most;         /* what reaches the top */
    int row, column;       /* its upper left corner */
    int rows, columns;
    int cursor;             /* column of the moment, -1 = none */
    int span_from, span_to; /* columns, both in it; -1 = no span */
    bool has_keys;          /* the cursor is seen better */
};

void chart_draw(struct canvas *canvas, const struct chart *chart);
/* The column of [0, columns) in which a time lies, -1 outside; and the last time in a column. */
int chart_column(uint64_t ns, uint64_t from_ns, uint64_t to_ns, int columns);
uint64_t chart_time(int column, uint64_t from_ns, uint64_t to_ns, int columns);

#endif

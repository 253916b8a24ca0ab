/* The numbers of a line on the screen: short ones in columns, exact ones below the table. */
#ifndef HAK_VIEWER_VIEW_COLUMNS_H
#define HAK_VIEWER_VIEW_COLUMNS_H

#include "viewer/profile/profile.h"
#include "viewer/view/canvas.h"

enum column {
    COLUMN_LIVE,   /* bytes live at the moment */
    COLUMN_BLOCKS, /* blocks live */
    COLUMN_CALLS,  /* blocks that came in the span, or since the start */
    COLUMN_SHORT,  /* of these, short-lived */
    COLUMN_CAME,   /* bytes */
    COLUMN_WENT,   /* bytes */
    COLUMN_GROWN,  /* bytes live more than at the start of the span */
    COLUMNS,
};

/* The columns that fit, from the left; `sort` is always one of them. */
struct columns {
    enum column shown[COLUMNS];
    int count;
    enum column sort;
};

void columns_choose(struct columns *columns, int width, bool is_span, enum column sort);
/* The column behind the one that is sorted by, or before it; among those that are shown anywhere.
 */
enum column columns_next(enum column sort, int direction);
const char *column_name(enum column column);
int64_t column_value(enum column column, const struct profile_sums *sums);

/* Draws from column 1 on and returns where the name begins. `sums` NULL: the headings. `all` is the
 * whole of a share. */
int columns_draw(struct canvas *canvas, int row, const struct columns *columns,
                 const struct profile_sums *sums, const struct profile_sums *all,
                 enum canvas_style style);
/* The column of the heading at a place of the screen, COLUMNS = none. */
enum column columns_at(const struct columns *columns, int place);

/* Appends "live 1,234,567 (12,000)  came ...": bytes, blocks in brackets. */
void columns_add_exact(struct hak_text *text, const struct profile_sums *sums, bool is_span);
/* "1.2M", "512", "-3.4K"; "12.3k": in at most seven characters, with its sign eight. */
const char *columns_size(int64_t bytes, bool is_change);
const char *columns_count(uint64_t count);

#endif

/* The timeline on the main page: the picture, its axes, and the moves through moments. */
#ifndef HAK_VIEWER_VIEW_TIME_PANE_H
#define HAK_VIEWER_VIEW_TIME_PANE_H

#include "viewer/view/browser.h"

struct time_pane {
    int row, rows, column, columns; /* of the picture on the screen */
    uint64_t *value;                /* of each part of a column */
    int value_room;
};

/* Draws the chart of live bytes from `row` on in `rows` rows, the last one being the axis of time.
 */
void time_pane_draw(struct time_pane *pane, struct browser *b, int row, int rows, bool has_keys);
void time_pane_free(struct time_pane *pane);

/* Fills in the most bytes live in each of `count` parts of the time. */
void time_pane_fill_values(const struct data *data, uint64_t *value, int count);
/* `by` columns to the right, or left where it is negative. A status. */
int time_pane_move(const struct time_pane *pane, struct data *data, int by);
/* Moves to the moment at the end of a column of the screen. */
int time_pane_choose(const struct time_pane *pane, struct data *data, int column);
/* Finds the next mark, or the one before; false: there is none. */
bool time_pane_find_mark(const struct data *data, int direction, struct view_moment *out);

#endif

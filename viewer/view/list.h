/* Lines, some of them on the screen, with a cursor: moves of keys, as in less and htop. */
#ifndef HAK_VIEWER_VIEW_LIST_H
#define HAK_VIEWER_VIEW_LIST_H

#include <stdbool.h>
#include "viewer/view/keys.h"

struct list {
    int rows;        /* all lines */
    int cursor, top; /* the line that is chosen, and the first one on the screen */
    int height;      /* lines on the screen */
    bool is_text;    /* no line is chosen: keys move the text */
};

/* Handles a key that moves; false for one that does not. */
bool list_key(struct list *list, const struct key *key);
/* Puts cursor and first line where they may be: after another number of lines, or height. */
void list_settle(struct list *list);
/* Moves the cursor to a line, which comes on the screen. */
void list_go_to(struct list *list, int row);
/* Number of lines from `from` on, in a direction (1 or -1) and around the end, to the next one for
 * which `matches` is true; -1 = none is. `from` itself comes last. */
int list_find(const struct list *list, int from, int direction,
              bool (*matches)(void *context, int row), void *context);

#endif

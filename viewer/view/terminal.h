/* Checks whether a terminal can have a screen. Apart from screen.c since terminfo's header defines
 * a name for all that a terminal has, such as `lines` and `columns`. */
#ifndef HAK_VIEWER_VIEW_TERMINAL_H
#define HAK_VIEWER_VIEW_TERMINAL_H

#include "report/text/text.h"

/* False: the reason, for a person, is appended to `why`. */
bool terminal_is_known(struct hak_text *why);

#endif

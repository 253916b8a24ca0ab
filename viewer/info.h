/* The two halves of `info`. */
#ifndef HAK_VIEWER_INFO_H
#define HAK_VIEWER_INFO_H

#include "view.h"

/* `info --options`: every variable of options.def. Returns the exit status. */
int info_options(struct view *view);

#endif

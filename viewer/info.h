/* The two halves of `info`. */
#ifndef HAK_VIEWER_INFO_H
#define HAK_VIEWER_INFO_H

#include <jansson.h>
#include "view.h"

/* `info --options`: every variable of options.def. Returns the exit status. */
int info_options(struct view *view);

/* What HAKMEM_SUPPRESSIONS kept from being told, and which of its lines were never used; nothing
 * where there are none. (info_known.c) */
void info_add_suppressions(struct hak_text *text, struct view *view);
json_t *info_suppressions_json(struct view *view);

#endif

/* The frame of every JSON document that a command prints. */
#ifndef HAK_VIEWER_JSON_H
#define HAK_VIEWER_JSON_H

#include <jansson.h>
#include "view.h"

/* {"hakmem_json": 1, "command": ..., "store": ...}; the store only when one is open. */
json_t *view_json_document(const struct view *view, const char *command);
/* Whether events are missing from the capture, in numbers and a sentence. */
json_t *view_completeness_json(const struct view *view);
/* On one line, as long documents are written piece by piece; drops the reference. NULL when memory
 * ran out; free it. */
char *view_json_compact(json_t *value);

#endif

/* Pages of docs/ as text for a terminal: what `explain` shows. */
#ifndef HAK_VIEWER_FINDINGS_MARKDOWN_H
#define HAK_VIEWER_FINDINGS_MARKDOWN_H

#include "viewer/capture/capture.h"

/* Appends a page: headings in capitals, tables in columns, code and links as their plain text, code
 * blocks as they are. Headings and code are bold where the output takes colours. */
void markdown_add(struct hak_text *text, const struct view *view, const char *page);

#endif

/* `html`: a capture as one page that needs nothing else: no network, no server.
 *
 *   profile/timeline --> stacks.c: a tree of functions, a node for each row
 *                    --> steps.c:  what each node got in each step, packed (pack.c)
 *   findings, layers, processes, marks --> facts.c
 *                          |
 *       page.html, page.css, page.js (put in when this program is built) --> page.c --> FILE
 *
 * What programs call themselves reaches the page as data alone; page.js puts it in as text.
 * Format: docs/specs/html.md. Calls profile, findings, layers, capture and cli. One thread. */
#ifndef HAK_VIEWER_HTML_HTML_H
#define HAK_VIEWER_HTML_HTML_H

#include "viewer/cli/cli.h"

int command_html(struct view *view);

#endif

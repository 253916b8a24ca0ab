/* `html`: a capture as one page that needs nothing else: no network, no server.
 *
 *   profile/timeline --> stacks.c: a tree of functions, a node for each row
 *                    --> steps.c:  what each node got in each step, packed (pack.c)
 *   findings, layers, processes, marks --> facts.c
 *                          |
 *       page.html, page.css, page.js (put in when this program is built) --> page.c --> FILE
 *
 *       fleet.html, page.css, fleet.js: the findings of a fleet (viewer/fleet/html.c) ^
 *       replay.html, page.css, replay.js: memory of a replay (viewer/replay/answer.c) ^
 *       common.js: what the scripts share
 *
 * Names that programs give themselves reach a page as data alone; the scripts put them in as text.
 * Format: docs/specs/html.md. Calls profile, findings, layers, capture and cli. One thread. */
#ifndef HAK_VIEWER_HTML_HTML_H
#define HAK_VIEWER_HTML_HTML_H

#include "base/json.h"
#include "viewer/cli/cli.h"

/* Runs `html`: writes the page of a capture into a file. Returns the exit status. */
int command_html(struct view *view);

/* Put in when this program is built: page.html and its like. */
extern const char html_page[], html_style[], html_script[], html_common_script[];
extern const char html_fleet_page[], html_fleet_script[];
extern const char html_replay_page[], html_replay_script[];

struct html_page {
    const char *text, *style, *script;
};

/* Writes the page to `file`, or to stdout where that is "-", and says so, naming what it is `of`
 * (NULL: says nothing).
 * `file` NULL: no memory. 0, or an exit status: the error is printed. */
int html_write_page(const struct html_page *source, const json_t *content, const char *file,
                    const char *of);

#endif

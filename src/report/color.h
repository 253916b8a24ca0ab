/* Colour for people who read on a terminal: when it is wanted, and reports with colour put on.
 *
 *   report, escaped, plain --+--> store, log, pipe: as it is
 *                            +--> hak_color_report --> terminal
 *
 * Colour is put on last: what is foreign in a report is escaped before, so that each sequence in
 * the result is one of these. For one thread. */
#ifndef HAK_REPORT_COLOR_H
#define HAK_REPORT_COLOR_H

#include <stdbool.h>
#include "report/text.h"

#define HAK_COLOR_PLAIN "\033[0m"
#define HAK_COLOR_BOLD  "\033[1m"
#define HAK_COLOR_RED   "\033[1;31m"
#define HAK_COLOR_DIM   "\033[2m"
#define HAK_COLOR_PLACE "\033[36m" /* file:line */

enum hak_color { HAK_COLOR_AUTO, HAK_COLOR_ALWAYS, HAK_COLOR_NEVER };

/* Whether what is written to `fd` has colour. AUTO: on a terminal that is not dumb, where NO_COLOR
 * is not set or empty. */
bool hak_color_is_wanted(enum hak_color when, int fd);

/* Appends the lines of a report: its first line bold and the code red, the words that begin a part
 * bold, each file:line in colour. `lines` came out of a hak_text. */
void hak_color_report(struct hak_text *to, const char *lines);

#endif

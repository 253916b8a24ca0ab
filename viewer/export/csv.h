/* Cells of CSV as RFC 4180 has it: commas between, quotes around what has commas or quotes. Foreign
 * text comes in its visible form (report/text/text.h), so that a row is a line. */
#ifndef HAK_VIEWER_EXPORT_CSV_H
#define HAK_VIEWER_EXPORT_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include "report/text/text.h"

/* Append a cell to the row that `text` ends with. */
void csv_add_number(struct hak_text *text, uint64_t value);
/* Adds an address as a cell; an empty one for 0. */
void csv_add_address(struct hak_text *text, uint64_t address);
void csv_add_flag(struct hak_text *text, bool value);

/* Appends a cell of the program's text, made visible first. */
void csv_add_foreign(struct hak_text *text, const char *value);
/* Adds a cell, quoted where it needs it, from a text that is put together already, and frees that.
 */
void csv_add_text(struct hak_text *text, struct hak_text *value);
void csv_end_row(struct hak_text *text);

#endif

/* The parts of `info`. */
#ifndef HAK_VIEWER_INFO_PARTS_H
#define HAK_VIEWER_INFO_PARTS_H

#include "base/json.h"
#include "viewer/capture/capture.h"

/* Says in errors of the store what was under way. */
#define INFO_READING "reading its tables"

/* `info --options`: every variable of options.def. Returns the exit status. */
int info_options(struct view *view);

/* clean.c: lists the old captures of this folder, and with --yes removes them. Returns the exit
 * status. */
int info_clean(struct view *view);

/* The rows of a query as objects, whose members have the names of its columns. (info.c) */
json_t *info_rows_json(struct view *view, const char *sql);

/* size.c: bytes of the capture's file and of its -wal, which has not been written back yet, or of
 * its rows on a server. */
uint64_t info_file_bytes(const struct view *view);
/* Whether the file's bytes for each event tell something of events: in a short capture they are
 * those of names, tables and empty pages. */
bool info_is_long(const struct view *view);

/* Adds a line of what takes the capture's bytes, from TOLD_FROM_BYTES on. */
void info_add_parts(struct hak_text *text, struct view *view);

/* The parts that take the capture's bytes, as JSON; empty if a table cannot be read. */
json_t *info_parts_json(struct view *view);

/* Findings that HAKMEM_SUPPRESSIONS suppressed, and its lines that were never used; nothing where
 * there are none. (known.c) */
void info_add_suppressions(struct hak_text *text, struct view *view);
json_t *info_suppressions_json(struct view *view);

/* Checks left out and pages opened because programs closed pages of their own blocks; nothing where
 * none did. (closed.c) */
void info_add_closed(struct hak_text *text, struct view *view);

/* The same as JSON; null where no program closed pages. */
json_t *info_closed_json(struct view *view);

/* kept.c: adds the libraries with a malloc that programs loaded and hakmem replaced; nothing where
 * none did. */
void info_add_replaced(struct hak_text *text, struct view *view);
/* The same as a JSON array. */
json_t *info_replaced_json(struct view *view);

/* Adds the allocators that programs kept, and their slack; nothing where none did. */
void info_add_kept(struct hak_text *text, struct view *view);
void info_add_slack(struct hak_text *text, struct view *view);

/* The same as JSON; null where no program kept its allocator. */
json_t *info_kept_json(struct view *view);

#endif

/* The pieces that every JSON document of hakmem is made of: events, frames, threads, lives.
 * docs/specs/output.schema.json describes them. Each function returns a new reference, or NULL when
 * memory ran out (jansson's *_new setters then fail, and the whole document is NULL). */
#ifndef HAK_REPORT_WORDS_JSON_H
#define HAK_REPORT_WORDS_JSON_H

#include <jansson.h>
#include "report/words/lookup.h"
#include "store/history/history.h"

/* How every document is written, with further `flags` of json_dumps: not a byte above 0x7e goes
 * out, so that no name can play with the terminal, and every reader gets it back as it was. NULL
 * when memory ran out; the caller frees it. */
char *hak_json_dump(const json_t *value, size_t flags);

/* Foreign text as a JSON string (hak_text_add_utf8): a name, cut after HAK_TEXT_MACHINE_MAX bytes.
 */
json_t *hak_json_text(const char *text);
/* The same for a text of several lines, cut after HAK_TEXT_LINES_MAX bytes. */
json_t *hak_json_lines(const char *text);
/* The same for `bytes` of which any may be NUL, all of them: a value that was asked for. */
json_t *hak_json_whole(const char *text, size_t bytes);
/* "0x7f21c4a12950"; null for 0. */
json_t *hak_json_address(uint64_t address);
json_t *hak_json_frames(const struct hak_frames *frames);
/* The event with its thread; with the frames of its stack when `with_frames`. */
json_t *hak_json_event(struct hak_store_reader *r, const struct hak_event *event, bool with_frames);
/* The array "lives" of a story; an empty one for NULL. */
json_t *hak_json_lives(struct hak_store_reader *r, const struct hak_story *story, bool with_frames);
/* Serialises with sorted insertion order and a final newline, and drops the reference; NULL when
 * memory ran out. The caller frees it. */
char *hak_json_print(json_t *document);

#endif

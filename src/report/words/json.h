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
/* The same for all of `bytes`, NUL bytes included: a value that was asked for. */
json_t *hak_json_whole(const char *text, size_t bytes);
/* "0x7f21c4a12950"; null for 0. */
json_t *hak_json_address(uint64_t address);
/* The text of a member, "" where it is none. */
const char *hak_json_string(const json_t *object, const char *name);
/* Members of `object`: a number; the same, or null where it is not known; foreign text
 * (hak_json_text); an address (hak_json_address); true or false. Members without a setter here are
 * set by jansson's own. */
void hak_json_set_number(json_t *object, const char *name, uint64_t value);
void hak_json_set_known(json_t *object, const char *name, bool is_known, uint64_t value);
void hak_json_set_text(json_t *object, const char *name, const char *text);
void hak_json_set_address(json_t *object, const char *name, uint64_t address);
void hak_json_set_flag(json_t *object, const char *name, bool value);
json_t *hak_json_frames(const struct hak_frames *frames);
/* The same for a stack of the store. */
json_t *hak_json_stack(struct hak_store_reader *r, uint32_t stack);
/* A thread by its row id, its number and its name. */
json_t *hak_json_thread(uint32_t row, uint32_t number, const char *name);
/* "C3"; null where no class is meant. */
json_t *hak_json_class(struct hak_store_reader *r, unsigned class_index);
/* A word of hakmem's own; null for NULL and "". */
json_t *hak_json_word(const char *word);
/* The event with its thread; with the frames of its stack when `with_frames`. Null for id 0. */
json_t *hak_json_event(struct hak_store_reader *r, const struct hak_event *event, bool with_frames);
/* The array "lives" of a story; an empty one for NULL. */
json_t *hak_json_lives(struct hak_store_reader *r, const struct hak_story *story, bool with_frames);
/* Serialises with sorted insertion order and a final newline, and drops the reference; NULL when
 * memory ran out. The caller frees it. */
char *hak_json_print(json_t *document);

#endif

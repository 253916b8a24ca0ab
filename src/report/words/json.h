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
/* Members of an object: a number; the same, or null where it is not known; foreign text
 * (hak_json_text); a word of hakmem's own; an address (hak_json_address); true or false; a new
 * reference to any value. */
struct hak_member {
    const char *name;
    json_t *value;
};
#define NUMBER(name, number)                                                                       \
    { name, json_integer((json_int_t)(number)) }
#define KNOWN(name, is_known, number)                                                              \
    { name, (is_known) ? json_integer((json_int_t)(number)) : json_null() }
#define TEXT(name, text)                                                                           \
    { name, hak_json_text(text) }
#define WORD(name, word)                                                                           \
    { name, json_string(word) }
#define ADDRESS(name, address)                                                                     \
    { name, hak_json_address(address) }
#define FLAG(name, is_true)                                                                        \
    { name, json_boolean(is_true) }
#define JSON(name, value)                                                                          \
    { name, value }
/* Adds members in their order: hak_json_set(object, NUMBER("row", 1), TEXT("path", path)). Returns
 * the object. */
json_t *hak_json_set_members(json_t *object, const struct hak_member *member);
#define hak_json_set(object, ...)                                                                  \
    hak_json_set_members(object, (const struct hak_member[]){__VA_ARGS__, {NULL, NULL}})
#define hak_json_object(...)    hak_json_set(json_object(), __VA_ARGS__)
#define hak_json_add(list, ...) json_array_append_new(list, hak_json_object(__VA_ARGS__))
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

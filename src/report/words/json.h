/* The pieces that every JSON document of hakmem is made of: events, frames, threads, lives.
 * docs/specs/output.schema.json describes them. Each function returns a new reference, or NULL when
 * memory ran out; hak_json_append and the setters then see to it that the whole document is NULL.
 */
#ifndef HAK_REPORT_WORDS_JSON_H
#define HAK_REPORT_WORDS_JSON_H

#include "base/json.h"
#include "report/words/lookup.h"
#include "store/history/history.h"

/* How every document is written, with further `flags` of json_dumps: not a byte above 0x7e goes
 * out, so that no name can play with the terminal, and every reader gets it back as it was. NULL
 * when memory ran out, or a member or an element was lost since the thread's last dump; the caller
 * frees it. An object that is dropped without a dump leaves its loss to the next one. */
char *hak_json_dump(const json_t *value, size_t flags);

/* Foreign text as a JSON string (hak_text_add_utf8): a name, cut after HAK_TEXT_MACHINE_MAX bytes.
 */
json_t *hak_json_text(const char *text);
/* The same for a text of several lines, cut after HAK_TEXT_LINES_MAX bytes. */
json_t *hak_json_lines(const char *text);
/* A text of `bytes`, NUL bytes included, as JSON, not cut: a value that was asked for. NULL without
 * memory. */
json_t *hak_json_whole(const char *text, size_t bytes);
/* "0x7f21c4a12950"; null for 0. */
json_t *hak_json_address(uint64_t address);
/* The text of a member, "" where it is none. */
const char *hak_json_string(const json_t *object, const char *name);
/* A member of an object, whose value is made when it is set. */
enum hak_member_kind {
    HAK_MEMBER_NONE, /* ends a list */
    HAK_MEMBER_NUMBER,
    HAK_MEMBER_UNKNOWN, /* null */
    HAK_MEMBER_TEXT,    /* foreign (hak_json_text) */
    HAK_MEMBER_WORD,    /* of hakmem's own */
    HAK_MEMBER_ADDRESS, /* hak_json_address */
    HAK_MEMBER_FLAG,
    HAK_MEMBER_JSON, /* a new reference to any value */
};
struct hak_member {
    enum hak_member_kind kind;
    const char *name;
    union {
        int64_t number; /* of an address or a flag, too */
        const char *text;
        json_t *value;
    };
};
#define HAK_MEMBER(kind_, name_, field, from)                                                      \
    ((struct hak_member){.kind = kind_, .name = name_, .field = from})
#define NUMBER(name, value) HAK_MEMBER(HAK_MEMBER_NUMBER, name, number, (int64_t)(value))
#define KNOWN(name, is_known, value)                                                               \
    HAK_MEMBER((is_known) ? HAK_MEMBER_NUMBER : HAK_MEMBER_UNKNOWN, name, number,                  \
               (is_known) ? (int64_t)(value) : 0)
#define TEXT(name, words)    HAK_MEMBER(HAK_MEMBER_TEXT, name, text, words)
#define WORD(name, word)     HAK_MEMBER(HAK_MEMBER_WORD, name, text, word)
#define ADDRESS(name, where) HAK_MEMBER(HAK_MEMBER_ADDRESS, name, number, (int64_t)(where))
#define FLAG(name, is_true)  HAK_MEMBER(HAK_MEMBER_FLAG, name, number, (is_true) != 0)
#define JSON(name, any)      HAK_MEMBER(HAK_MEMBER_JSON, name, value, any)
/* Two: "live_blocks" and "live_bytes" of an amount. */
#define SUM(word, sum) NUMBER(word "_blocks", (sum).blocks), NUMBER(word "_bytes", (sum).bytes)
/* Adds a member. One that fails, be it that memory ran out, its value is NULL or a text is not
 * UTF-8, makes the thread's next hak_json_dump fail. */
void hak_json_set_member(json_t *object, const struct hak_member *member);
/* Adds members in their order: hak_json_set(object, NUMBER("row", 1), TEXT("path", path)). Returns
 * the object. */
json_t *hak_json_set_members(json_t *object, const struct hak_member *member);
#define hak_json_set(object, ...)                                                                  \
    hak_json_set_members(object,                                                                   \
                         (const struct hak_member[]){__VA_ARGS__, {.kind = HAK_MEMBER_NONE}})
#define hak_json_object(...)    hak_json_set(json_object(), __VA_ARGS__)
#define hak_json_add(list, ...) hak_json_append(list, hak_json_object(__VA_ARGS__))
/* Appends an element, and takes its reference. One that fails is as a member that does. */
void hak_json_append(json_t *list, json_t *element);
json_t *hak_json_frames(const struct hak_frames *frames);
/* The frames of a stack of the store as JSON. */
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

/* Sets missed_pools, missed_pieces and missed_pool_calls, each where there are any. */
void hak_json_set_missed(json_t *object, const struct hak_missed_pools *missed);

#endif

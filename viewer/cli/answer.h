/* One expression declares a row of an answer: its members in JSON and its cells in text, by name,
 * heading, side and how a number is shown.
 *
 *   answer_row(&answer, DATA(NUMBER("id", row)), UNIT("bytes", hak_words_size, "size", bytes), ...)
 *        --json: answer.list, an object for each row
 *        text:   answer.table, whose headings come from the first row
 *
 * Calls report (words) and table.c. One thread. */
#ifndef HAK_VIEWER_CLI_ANSWER_H
#define HAK_VIEWER_CLI_ANSWER_H

#include "report/words/words.h"
#include "viewer/cli/table.h"

/* A value of a row. */
struct answer_value {
    bool is_there;
    const char *heading; /* NULL = not in text; texts have a '<' before it, as table_add_headings */
    const char *(*show)(uint64_t number); /* NULL = text or made */
    uint64_t number;
    const char *text;
    struct hak_text *made;    /* is freed */
    struct hak_member member; /* without a name: not in JSON */
};

/* Only in JSON: DATA(NUMBER("id", row)). */
#define DATA(...)                                                                                  \
    { .is_there = true, .member = __VA_ARGS__ }
/* A number, shown by `words`. */
#define UNIT(title, words, name, value)                                                            \
    {                                                                                              \
        .is_there = true, .heading = title, .show = words, .number = value,                        \
        .member = NUMBER(name, value)                                                              \
    }
#define AMOUNT(title, name, value) UNIT(title, hak_words_number, name, value)
#define FILLED(title, name, value) UNIT(title, answer_count, name, value) /* nothing for 0 */
/* A number other than 0, shown by `words`; for 0 null, and shown as `otherwise`. */
#define UNLESS(title, words, name, value, otherwise)                                               \
    {                                                                                              \
        .is_there = true, .heading = title, .show = (value) ? words : NULL, .number = value,       \
        .text = otherwise, .member = KNOWN(name, value, value)                                     \
    }
/* Foreign text. */
#define STRING(title, name, words)                                                                 \
    { .is_there = true, .heading = title, .text = words, .member = TEXT(name, words) }
/* Only in text: a text, which lives until the row is added; one that was put together; a number. */
#define CELL(title, words)                                                                         \
    { .is_there = true, .heading = title, .text = words }
#define MADE(title, words)                                                                         \
    { .is_there = true, .heading = title, .made = words }
#define FIGURE(title, words, value)                                                                \
    { .is_there = true, .heading = title, .show = words, .number = value }

/* Rows, added one after the other. */
struct answer {
    struct view *view;
    json_t *list; /* NULL: text */
    struct table table;
    uint64_t rows, all; /* that were added; that there are, as the caller counts them */
};

/* A number with separators; "" for 0. */
const char *answer_count(uint64_t value);
/* A bar of 40 characters for `most`, as the number of answer_bar. */
uint64_t answer_bar_width(uint64_t value, uint64_t most);
const char *answer_bar(uint64_t width);

/* A list, for a document: of the command's --json, or of a page that has it inside; else a table.
 */
struct answer answer_begin(struct view *view, bool is_list);
/* Adds a row; its values and made texts are freed. All rows have the same headings. */
void answer_add(struct answer *answer, const struct answer_value *value);
#define answer_row(answer, ...)                                                                    \
    answer_add(answer, (const struct answer_value[]){__VA_ARGS__, {.is_there = false}})
/* Appends the table to `text`. */
void answer_print(struct hak_text *text, struct answer *answer);
/* Frees what was neither printed nor put into a document, whose reference is its own. */
void answer_end(struct answer *answer);

#endif

/* One expression declares a row of an answer: its members in JSON and its cells in text, by name,
 * heading, side and how a number is shown. Text makes no value of DATA_OF, and JSON no text of
 * MADE.
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

/* A value of a row: its column's heading, how text shows it, and the member of JSON that it is. */
struct answer_value {
    const char *heading; /* NULL = not in text; texts have a '<' before it, as table_add_headings */
    const char *(*show)(uint64_t number); /* a number that is known; else the member's text */
    struct hak_text made;                 /* stands for both; is freed */
    const char *otherwise;                /* for a number that is not known */
    struct hak_member member;             /* without a name: not in JSON */
};

/* Only in JSON: DATA(NUMBER("id", row)). */
#define DATA(...) ((struct answer_value){.member = __VA_ARGS__})
/* The same for a value that takes time to make: DATA_OF("frames", hak_json_stack(reader, stack)) */
#define DATA_OF(name, value) DATA_IF(true, name, value)
/* The same, only where `is_given`. */
#define DATA_IF(is_given, name, value)                                                             \
    DATA(JSON((is_given) ? name : NULL, (is_given) && !row_is_text ? (value) : NULL))
/* A number, shown by `words`. */
#define UNIT(title, words, name, value)                                                            \
    ((struct answer_value){.heading = title, .show = words, .member = NUMBER(name, value)})
#define AMOUNT(title, name, value) UNIT(title, hak_words_number, name, value)
#define FILLED(title, name, value) UNIT(title, answer_count, name, value) /* nothing for 0 */
/* A number other than 0, shown by `words`; for 0 null, and shown as `else_words`. */
#define UNLESS(title, words, name, value, else_words)                                              \
    ((struct answer_value){.heading = title,                                                       \
                           .show = words,                                                          \
                           .otherwise = else_words,                                                \
                           .member = KNOWN(name, value, value)})
/* Foreign text. */
#define STRING(title, name, words)                                                                 \
    ((struct answer_value){.heading = title, .member = TEXT(name, words)})
/* Only in text: a text, which lives until the row is added; what a function appends to one,
 * MADE("age", add_age, row), of several columns, MADE("min|max", add_both, row), with a bar between
 * two; a number. */
#define CELL(title, words) STRING(title, NULL, words)
#define MADE(title, add, ...)                                                                      \
    ((struct answer_value){                                                                        \
        .heading = title, .member = TEXT(NULL, NULL), .made = ({                                   \
                                                          struct hak_text made_text = {0};         \
                                                          if (row_is_text)                         \
                                                              add(&made_text, __VA_ARGS__);        \
                                                          made_text;                               \
                                                      })})
#define FIGURE(title, words, value) UNIT(title, words, NULL, value)

/* Rows, added one after the other. */
struct answer {
    struct view *view;
    json_t *list; /* NULL: text */
    struct table table;
    uint64_t rows, all; /* that were added; that there are, as the caller counts them */
    bool has_no_row;    /* the row that is added gives its headings alone */
};

/* A number with separators; "" for 0. */
const char *answer_count(uint64_t value);
/* A bar of 40 characters for `most`, as the number of answer_bar. */
uint64_t answer_bar_width(uint64_t value, uint64_t most);
const char *answer_bar(uint64_t width);

/* A list, for a document: of the command's --json, or of a page that has it inside; else a table.
 */
struct answer answer_begin(struct view *view, bool is_list);
/* Adds a row: an object for JSON, cells for a table, below the headings that its first row brings.
 * Its made texts are freed. All rows have the same headings. */
void answer_add(struct answer *answer, const struct answer_value *value);
#define answer_row(to_answer, ...)                                                                 \
    do {                                                                                           \
        const bool row_is_text = !(to_answer)->list;                                               \
        (void)row_is_text;                                                                         \
        answer_add(to_answer, (const struct answer_value[]){                                       \
                                  __VA_ARGS__, {.member = {.kind = HAK_MEMBER_NONE}}});            \
    } while (0)
/* Declares facts as a row declares its cells, each a member of `document` or, where that is NULL, a
 * line of `text` behind its heading; none for a cell without a character. */
void answer_add_facts(struct view *view, struct hak_text *text, json_t *document,
                      const struct answer_value *value);
#define answer_facts(view, text, document, ...)                                                    \
    do {                                                                                           \
        const bool row_is_text = !(document);                                                      \
        answer_add_facts(                                                                          \
            view, text, document,                                                                  \
            (const struct answer_value[]){__VA_ARGS__, {.member = {.kind = HAK_MEMBER_NONE}}});    \
    } while (0)
/* Begins another line of a fact. */
void answer_next_line(struct hak_text *fact);
/* Appends the table to `text`. */
void answer_print(struct hak_text *text, struct answer *answer);
/* Appends the cells of a table of one column as a line, "NAME a, b.", or nothing without rows, and
 * ends the answer. */
void answer_print_line(struct hak_text *text, struct answer *answer, const char *name);
/* Frees what was neither printed nor put into a document, whose reference is its own. */
void answer_end(struct answer *answer);

#endif

/* A piece of text that grows: what reports and the viewer's answers are put together in.
 *
 * Running out of memory is remembered (`failed`) and told once, at hak_text_take. Text from outside
 * (names, paths, functions) goes in by hak_text_add_name, which makes it harmless for a terminal.
 * For one thread. */
#ifndef HAK_REPORT_TEXT_H
#define HAK_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct hak_text {
    char *bytes; /* NUL at bytes[length] once anything was added */
    size_t length, capacity;
    bool failed;
};

/* Appends like printf. */
void hak_text_add(struct hak_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends `name` with control characters and bytes that are no UTF-8 written as \n, \t or \xNN. */
void hak_text_add_name(struct hak_text *text, const char *name);
/* Appends `name` for a machine: control characters as they are, every byte that is no part of valid
 * UTF-8 as U+FFFD. */
void hak_text_add_utf8(struct hak_text *text, const char *name);
/* Appends `count` times `c`. */
void hak_text_fill(struct hak_text *text, char c, int count);
/* Appends blanks until the last line has `column` characters; at least one blank when it is longer
 * already, none when it is empty and `column` is 0. */
void hak_text_tab(struct hak_text *text, int column);
/* Characters in the last line (UTF-8 counts by characters, colour codes not at all). */
int hak_text_column(const struct hak_text *text);
/* Lines so far (by '\n'). */
int hak_text_lines(const struct hak_text *text);
/* The bytes, owned by the caller from now on, and an empty text; NULL when memory ran out. */
char *hak_text_take(struct hak_text *text);
void hak_text_free(struct hak_text *text);

#endif

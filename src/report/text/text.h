/* A piece of text that grows: what reports and the viewer's answers are put together in, and the
 * one door by which foreign text (src/visible.h) comes into them.
 *
 *   "%s thread %s\n"   the format and every literal of hakmem: as they are
 *        |        |
 *        +--------+--- anything else: escaped, and cut when it is very long
 *
 * So a forgotten argument is escaped, and only a caller that asks by name gets text in as it is:
 * hak_text_add_text for a piece made by these functions, hak_text_add_bytes for text that no person
 * reads. Running out of memory is remembered (`failed`) and reported once, at hak_text_take.
 *
 *   text.c the bytes, format.c the formats, foreign.c what is escaped, color.c
 *
 * Calls nothing of hakmem's. For one thread. */
#ifndef HAK_REPORT_TEXT_TEXT_H
#define HAK_REPORT_TEXT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a foreign text that are shown; a mark says that more was there. */
#define HAK_TEXT_NAME_MAX    4096      /* a name, a path, an argument */
#define HAK_TEXT_MACHINE_MAX 65536     /* the same for JSON and XML */
#define HAK_TEXT_LINES_MAX   (1 << 20) /* a report */

struct hak_text {
    char *bytes; /* NUL at bytes[length] once anything was added */
    size_t length, capacity;
    bool failed;
};

/* Appends like printf. An argument of %s is foreign, unless it is a literal (or other constant) of
 * this program: escaped, cut after HAK_TEXT_NAME_MAX bytes, NULL is nothing. Widths count
 * characters, precisions of %s bytes of the argument. %c takes ASCII. */
void hak_text_add(struct hak_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends by a format of printf's, of which the texts of the program are made visible. */
void hak_text_vadd(struct hak_text *text, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));
/* The same for one foreign text, wherever it lies. */
void hak_text_add_name(struct hak_text *text, const char *name);
/* Adds a name as one word of a line that tools take apart: a blank is written as '_'. */
void hak_text_add_word(struct hak_text *text, const char *name);
/* Foreign text of several lines (a report out of a store): line ends stay, the rest is escaped; cut
 * after HAK_TEXT_LINES_MAX bytes. */
void hak_text_add_lines(struct hak_text *text, const char *lines);
/* `bytes` of foreign text as a field of a row: escaped so that the bytes can be restored (a
 * backslash is doubled, NUL is \x00), and not cut. */
void hak_text_add_field(struct hak_text *text, const char *field, size_t bytes);
/* Adds a name for a machine (JSON, XML): characters as they are; a byte that is no part of valid
 * UTF-8 as U+FFFD and two hexadecimal digits, as are the three bytes of a U+FFFD that was there.
 * Cut after `most` bytes. */
void hak_text_add_utf8(struct hak_text *text, const char *name, size_t most);
/* A piece that these functions made, as it is. */
void hak_text_add_text(struct hak_text *text, const struct hak_text *piece);
/* Appends bytes as they are: for paths to open, environments, SQL, formats with an escape of their
 * own. */
void hak_text_add_bytes(struct hak_text *text, const char *bytes, size_t count);
/* Appends `argument` as a shell takes it, in quotes where it needs some; harmless for a terminal.
 */
void hak_text_add_argument(struct hak_text *text, const char *argument);

/* Appends `count` times `c`. */
void hak_text_fill(struct hak_text *text, char c, int count);
/* Appends blanks until the last line has `column` characters; at least one blank when it is longer
 * already, none when it is empty and `column` is 0. */
void hak_text_tab(struct hak_text *text, int column);
/* Fills with blanks to `column`, then appends like hak_text_add. */
void hak_text_add_at(struct hak_text *text, int column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Counts the characters in the last line (UTF-8 counts by characters, colour codes not at all). */
int hak_text_column(const struct hak_text *text);
/* Counts the lines so far (by '\n'). */
int hak_text_lines(const struct hak_text *text);
/* The bytes so far, "" before anything was added: until the next call that changes it. */
static inline const char *hak_text_string(const struct hak_text *text) {
    return text->bytes ? text->bytes : "";
}
/* The bytes, owned by the caller from now on, and an empty text; NULL when memory ran out. */
char *hak_text_take(struct hak_text *text);
void hak_text_free(struct hak_text *text);

/* ---- colour ------------------------------------------------------------------------------------
 * For people who read on a terminal: when it is wanted, and reports with colour put on.
 *
 *   report, escaped, plain --+--> store, log, pipe: as it is
 *                            +--> hak_color_report --> terminal
 *
 * It is put on last: what is foreign in a report is escaped before, so that each sequence in the
 * result is one of these. */
#define HAK_COLOR_PLAIN "\033[0m"
#define HAK_COLOR_BOLD  "\033[1m"
#define HAK_COLOR_RED   "\033[1;31m"
#define HAK_COLOR_DIM   "\033[2m"
#define HAK_COLOR_PLACE "\033[36m" /* file:line */

enum hak_color { HAK_COLOR_AUTO, HAK_COLOR_ALWAYS, HAK_COLOR_NEVER };

/* Tells whether text on `fd` has colour. AUTO: on a terminal that is not dumb, where NO_COLOR is
 * not set or empty. */
bool hak_color_is_wanted(enum hak_color when, int fd);

/* Appends the lines of a report: its first line bold and the code red, the words that begin a part
 * bold, each file:line in colour. `lines` came out of a hak_text. */
void hak_color_report(struct hak_text *to, const char *lines);

#endif

/* Reads the five codes that report/text/color and cli know. */
#include "viewer/view/coded.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/text/text.h"

static const struct {
    const char *code;
    enum canvas_style style;
} codes[] = {{HAK_COLOR_PLAIN, CANVAS_PLAIN},
             {HAK_COLOR_BOLD, CANVAS_BOLD},
             {HAK_COLOR_RED, CANVAS_RED},
             {HAK_COLOR_DIM, CANVAS_DIM},
             {HAK_COLOR_PLACE, CANVAS_PLACE}};

/* Bytes of the code at `at`, 0 = none; its style in `*style`, unchanged without one. */
static size_t code_at(const char *at, size_t left, enum canvas_style *style) {
    for (size_t i = 0; at[0] == '\033' && i < sizeof codes / sizeof *codes; i++) {
        size_t bytes = strlen(codes[i].code);
        if (bytes <= left && memcmp(at, codes[i].code, bytes) == 0) {
            *style = codes[i].style;
            return bytes;
        }
    }
    return 0;
}

/* The line as its characters, and the style of each byte. */
static size_t split(char *to, uint8_t *styles, const char *line, size_t length) {
    enum canvas_style style = CANVAS_PLAIN;
    size_t count = 0, bytes;
    for (size_t i = 0; i < length;) {
        if ((bytes = code_at(line + i, length - i, &style)) != 0) {
            i += bytes;
            continue;
        }
        if (styles)
            styles[count] = (uint8_t)style;
        to[count++] = line[i++];
    }
    to[count] = '\0';
    return count;
}

size_t coded_strip(char *to, const char *line, size_t length) {
    return split(to, NULL, line, length);
}

/* Sets the style of each place where the sought text is found. */
static void mark(const char *text, uint8_t *styles, const char *sought, bool is_any_case) {
    size_t bytes = strlen(sought);
    const char *at = text;
    while (bytes && (at = is_any_case ? strcasestr(at, sought) : strstr(at, sought)) != NULL) {
        memset(styles + (at - text), CANVAS_MARKED, bytes);
        at += bytes;
    }
}

/* Writes a text in parts that have one style each, without its first `shift` columns. */
static void put_split(struct canvas *canvas, int row, int column, int end, int shift,
                      const char *text, const uint8_t *styles, size_t count) {
    size_t i = canvas_skip(canvas, text, shift);
    while (i < count && column < end) {
        size_t run = i + 1;
        while (run < count && styles[run] == styles[i])
            run++;
        /* Only the line's last part says that there is more. */
        int width = canvas_width(canvas, text + i, run - i);
        bool is_more = column + width == end && run < count;
        column = canvas_put_bytes(canvas, row, column, end, styles[i], text + i, run - i);
        if (is_more)
            canvas_put_char(canvas, row, end - 1, styles[i], canvas->is_utf8 ? 0x2026 : '~');
        i = run;
    }
}

void coded_put(struct canvas *canvas, int row, int column, int end, int shift, const char *line,
               size_t length, const char *sought, bool is_any_case) {
    char *text = malloc(length + 1);
    uint8_t *styles = malloc(length + 1);
    if (text && styles) {
        size_t count = split(text, styles, line, length);
        mark(text, styles, sought, is_any_case);
        put_split(canvas, row, column, end, shift, text, styles, count);
    }
    free(text);
    free(styles);
}

/* Bytes of a line that fit, up to a blank: its whole length where it is a table, or fits. */
static size_t fitting(const char *line, size_t length, int width) {
    enum canvas_style style;
    size_t at = strspn(line, " "), blank = 0, bytes;
    int column = (int)at;
    if (width <= 0)
        return length;
    for (; at < length; at += bytes) {
        if ((bytes = code_at(line + at, length - at, &style)) != 0)
            continue;
        canvas_decode(line + at, length - at, &bytes);
        if (line[at] == ' ' && at + 1 < length && line[at + 1] == ' ')
            return length;
        if (line[at] == ' ' && column <= width)
            blank = at + 1;
        column++;
    }
    return column > width && blank ? blank : length;
}

size_t *coded_find_lines(const char *text, int width, int *count) {
    size_t *begin = NULL;
    uint32_t room = 0;
    int lines = 0;
    const char *at = text;
    do {
        if (!hak_growing_make_room(&begin, (uint64_t)lines, &room, sizeof *begin)) {
            free(begin);
            return NULL;
        }
        begin[lines] = (size_t)(at - text);
        if (!*at)
            break;
        lines++;
        size_t length = strcspn(at, "\n"), fits = fitting(at, length, width);
        at += fits == length ? length + (at[length] == '\n') : fits;
    } while (true);
    *count = lines;
    return begin;
}

size_t coded_length(const char *text, const size_t *begin, int count, int i) {
    size_t end = i + 1 < count ? begin[i + 1] : begin[count];
    if (end > begin[i] && text[end - 1] == '\n')
        end--;
    return end - begin[i];
}

/* Puts colour on a report's lines: the code, the words that begin a part, file:line. */
#include "report/text/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_COLUMN 2  /* where a part's word begins */
#define PART_MAX    18 /* and the most that it takes, with the blanks behind it */

bool hak_color_is_wanted(enum hak_color when, int fd) {
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (when != HAK_COLOR_AUTO)
        return when == HAK_COLOR_ALWAYS;
    return isatty(fd) && !(no_color && no_color[0]) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static void add_styled(struct hak_text *to, const char *style, const char *from, size_t length) {
    hak_text_add_bytes(to, style, strlen(style));
    hak_text_add_bytes(to, from, length);
    hak_text_add_bytes(to, HAK_COLOR_PLAIN, strlen(HAK_COLOR_PLAIN));
}

/* Bytes of `word` that are a file and a line, "app/main.c:12"; 0 = it is no place. */
static size_t place_length(const char *word, size_t length) {
    while (length > 0 && strchr(",;)", word[length - 1]))
        length--;
    size_t digits = length;
    while (digits > 0 && isdigit((unsigned char)word[digits - 1]))
        digits--;
    bool is_place = digits < length && digits > 1 && word[digits - 1] == ':' &&
                    memchr(word, '.', digits - 1) != NULL;
    return is_place ? length : 0;
}

/* Appends a line with the places (file:line) in it coloured. */
static void add_places(struct hak_text *to, const char *from, size_t length) {
    for (size_t at = 0; at < length;) {
        size_t blanks = at;
        while (blanks < length && from[blanks] == ' ')
            blanks++;
        size_t end = blanks;
        while (end < length && from[end] != ' ')
            end++;
        hak_text_add_bytes(to, from + at, blanks - at);
        size_t skip = blanks < end && from[blanks] == '(';
        size_t place = place_length(from + blanks + skip, end - blanks - skip);
        hak_text_add_bytes(to, from + blanks, skip);
        if (place > 0)
            add_styled(to, HAK_COLOR_PLACE, from + blanks + skip, place);
        hak_text_add_bytes(to, from + blanks + skip + place, end - blanks - skip - place);
        at = end;
    }
}

/* Colours a report's first line, "hakmem: HKM-202 double-free: ...": false for any other line. */
static bool add_headline(struct hak_text *to, const char *line, size_t length) {
    static const char prefix[] = "hakmem: ";
    size_t begin = sizeof prefix - 1, end = begin;
    if (length < begin || memcmp(line, prefix, begin) != 0)
        return false;
    while (end < length && line[end] != ' ' && line[end] != ':')
        end++;
    if (end - begin < 4 ||
        (memcmp(line + begin, "HKM-", 4) != 0 && memcmp(line + begin, "SIG", 3) != 0))
        end = begin;
    add_styled(to, HAK_COLOR_BOLD, line, begin);
    if (end > begin)
        add_styled(to, HAK_COLOR_RED, line + begin, end - begin);
    add_styled(to, HAK_COLOR_BOLD, line + end, length - end);
    return true;
}

/* Bytes of the line with the words that begin a part ("  FOUND"); 0 = it begins none. */
static size_t part_length(const char *line, size_t length) {
    static const char summary[] = "SUMMARY:";
    if (length > sizeof summary && memcmp(line, summary, sizeof summary - 1) == 0)
        return sizeof summary - 1;
    if (length <= PART_COLUMN || memcmp(line, "  ", PART_COLUMN) != 0 ||
        !isupper((unsigned char)line[PART_COLUMN]))
        return 0;
    const char *blanks = memmem(line + PART_COLUMN, length - PART_COLUMN, "  ", 2);
    size_t end = blanks ? (size_t)(blanks - line) : 0;
    return end > 0 && end + 2 <= PART_COLUMN + PART_MAX ? end : 0;
}

/* Appends a line with its heading and places coloured. */
static void add_line(struct hak_text *to, const char *line, size_t length) {
    static const char bytes[] = "      0x"; /* the bytes around a fault are no places */
    if (add_headline(to, line, length))
        return;
    if (length >= sizeof bytes - 1 && memcmp(line, bytes, sizeof bytes - 1) == 0) {
        hak_text_add_bytes(to, line, length);
        return;
    }
    size_t part = part_length(line, length);
    if (part > 0)
        add_styled(to, HAK_COLOR_BOLD, line, part);
    add_places(to, line + part, length - part);
}

void hak_color_report(struct hak_text *to, const char *lines) {
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        add_line(to, lines, length);
        lines += length;
        if (*lines == '\n') {
            hak_text_add_bytes(to, "\n", 1);
            lines++;
        }
    }
}

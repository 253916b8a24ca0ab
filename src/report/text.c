/* A piece of text that grows, and how names from outside are made harmless in it. */
#include "report/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct hak_text *text, size_t more) {
    if (text->failed)
        return false;
    size_t need = text->length + more + 1;
    if (need <= text->capacity)
        return true;
    size_t capacity = need < 256 ? 256 : need * 2;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void hak_text_add(struct hak_text *text, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (length < 0 || !grow(text, (size_t)length)) {
        text->failed = true;
        return;
    }
    va_start(list, format);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, list);
    va_end(list);
    text->length += (size_t)length;
}

/* Bytes of the UTF-8 character at `s`, 0 when it is none. */
static int utf8_bytes(const unsigned char *s) {
    if (s[0] < 0x80)
        return 1;
    int bytes = s[0] >= 0xf0 && s[0] < 0xf5   ? 4
                : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                                              : 0;
    for (int i = 1; i < bytes; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (bytes == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)))
        return 0; /* longer than needed, or half of a pair of UTF-16 */
    if (bytes == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)))
        return 0;
    return bytes;
}

/* The same, and 0 for what would play with a terminal or its reader. */
static int character_bytes(const unsigned char *s) {
    int bytes = utf8_bytes(s);
    if (bytes == 1 && (s[0] < 0x20 || s[0] == 0x7f))
        return 0;
    if (bytes == 2 && s[0] == 0xc2 && s[1] < 0xa0)
        return 0; /* C1 controls move the cursor on some terminals */
    if (bytes == 3 && s[0] == 0xe2 &&
        ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
         (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
        return 0; /* turns the direction of writing: what is seen is not what is there */
    return bytes;
}

void hak_text_add_name(struct hak_text *text, const char *name) {
    const unsigned char *s = (const unsigned char *)(name ? name : "");
    while (*s) {
        int bytes = character_bytes(s);
        if (bytes > 0) {
            hak_text_add(text, "%.*s", bytes, (const char *)s);
            s += bytes;
            continue;
        }
        if (*s == '\n')
            hak_text_add(text, "\\n");
        else if (*s == '\t')
            hak_text_add(text, "\\t");
        else
            hak_text_add(text, "\\x%02x", *s);
        s++;
    }
}

void hak_text_add_utf8(struct hak_text *text, const char *name) {
    const unsigned char *s = (const unsigned char *)(name ? name : "");
    while (*s) {
        int bytes = utf8_bytes(s);
        hak_text_add(text, "%.*s", bytes > 0 ? bytes : 3,
                     bytes > 0 ? (const char *)s : "\xef\xbf\xbd");
        s += bytes > 0 ? bytes : 1;
    }
}

void hak_text_fill(struct hak_text *text, char c, int count) {
    if (count <= 0 || !grow(text, (size_t)count))
        return;
    memset(text->bytes + text->length, c, (size_t)count);
    text->length += (size_t)count;
    text->bytes[text->length] = '\0';
}

int hak_text_column(const struct hak_text *text) {
    int column = 0;
    size_t i = text->length;
    while (i > 0 && text->bytes[i - 1] != '\n')
        i--;
    for (; i < text->length; i++) {
        if (text->bytes[i] == '\033') /* a colour: takes no room, and ends with m */
            while (i < text->length && text->bytes[i] != 'm')
                i++;
        else
            column += ((unsigned char)text->bytes[i] & 0xc0) != 0x80;
    }
    return column;
}

void hak_text_tab(struct hak_text *text, int column) {
    int now = hak_text_column(text);
    hak_text_fill(text, ' ', now < column ? column - now : now > 0);
}

int hak_text_lines(const struct hak_text *text) {
    int lines = 0;
    for (size_t i = 0; i < text->length; i++)
        lines += text->bytes[i] == '\n';
    return lines;
}

char *hak_text_take(struct hak_text *text) {
    if (!text->bytes && !text->failed)
        hak_text_add(text, "%s", "");
    if (text->failed) {
        hak_text_free(text);
        return NULL;
    }
    char *bytes = text->bytes;
    *text = (struct hak_text){0};
    return bytes;
}

void hak_text_free(struct hak_text *text) {
    free(text->bytes);
    *text = (struct hak_text){0};
}

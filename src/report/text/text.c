/* A piece of text that grows: its bytes, its columns, its lines. */
#include "report/text/text.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and a 0. False without memory, from then on for good. */
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

void hak_text_add_bytes(struct hak_text *text, const char *bytes, size_t count) {
    if (!grow(text, count))
        return;
    if (count > 0)
        memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
    text->bytes[text->length] = '\0';
}

void hak_text_add_text(struct hak_text *text, const struct hak_text *piece) {
    text->failed |= piece->failed;
    hak_text_add_bytes(text, piece->bytes, piece->length);
}

/* Adds an argument as $'...', in which every byte can be written, and which bash, zsh and ksh
 * read. */
static void add_quoted_bytes(struct hak_text *text, const char *argument) {
    hak_text_add(text, "$'");
    for (const unsigned char *s = (const unsigned char *)argument; *s; s++) {
        if (*s == '\\' || *s == '\'')
            hak_text_add(text, "\\%c", *s);
        else if (*s >= 0x20 && *s < 0x7f)
            hak_text_add(text, "%c", *s);
        else
            hak_text_add(text, "\\%03o", *s);
    }
    hak_text_add(text, "'");
}

void hak_text_add_argument(struct hak_text *text, const char *argument) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:=,@%+-";
    struct hak_text shown = {0};
    hak_text_add_name(&shown, argument);
    bool is_harmless = shown.bytes && strcmp(shown.bytes, argument) == 0;
    if (argument[0] && strspn(argument, plain) == strlen(argument))
        hak_text_add_bytes(text, argument, strlen(argument));
    else if (!argument[0])
        hak_text_add(text, "''");
    else if (is_harmless && !strchr(argument, '\''))
        hak_text_add(text, "'%s'", argument);
    else
        add_quoted_bytes(text, argument);
    hak_text_free(&shown);
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
        hak_text_add_bytes(text, "", 0);
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

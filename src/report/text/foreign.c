/* Adds foreign text to a text: escaped, bounded, in time that grows with its length alone. */
#include <string.h>
#include "report/text/text.h"
#include "visible.h"

#define CUT_MARK    " ... (cut)"
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Where to cut `length` bytes so that no character is split: at most three bytes earlier. */
static size_t whole_characters(const char *from, size_t length) {
    size_t at = length;
    while (at > 0 && length - at < 3 && ((unsigned char)from[at] & 0xc0) == 0x80)
        at--;
    return ((unsigned char)from[at] & 0xc0) == 0x80 ? length : at;
}

/* Bytes of `from` to show, when it has no more than `most`, and whether that is not all. */
static size_t bounded(const char *from, size_t most, bool *is_cut) {
    size_t length = strnlen(from, most + 1);
    *is_cut = length > most;
    return *is_cut ? whole_characters(from, most) : length;
}

static void add_escape(struct hak_text *text, unsigned char byte) {
    char escape[HAK_VISIBLE_ESCAPE_MAX];
    hak_text_add_bytes(text, escape, hak_visible_escape(escape, byte));
}

/* Harmless bytes go in by runs; `as_is` and `doubled`, unless -1, are further bytes to keep or to
 * double. */
static void add_visible(struct hak_text *text, const char *from, size_t length, int as_is,
                        int doubled) {
    const unsigned char *s = (const unsigned char *)from;
    size_t run = 0;
    for (size_t i = 0; i < length;) {
        int bytes = s[i] == as_is ? 1 : s[i] == doubled ? 0 : hak_visible_bytes(s + i, length - i);
        if (bytes > 0) {
            i += (size_t)bytes;
            continue;
        }
        hak_text_add_bytes(text, from + run, i - run);
        if (s[i] == doubled)
            hak_text_add_bytes(text, "\\\\", 2);
        else
            add_escape(text, s[i]);
        run = ++i;
    }
    hak_text_add_bytes(text, from + run, length - run);
}

/* Appends the program's text made visible, at most `most` bytes of it, with a mark where it was
 * cut; byte `as_is` is kept as it is (-1: none). */
static void add_cut(struct hak_text *text, const char *from, size_t most, int as_is) {
    bool is_cut;
    size_t length = bounded(from, most, &is_cut);
    add_visible(text, from, length, as_is, -1);
    if (is_cut)
        hak_text_add_bytes(text, CUT_MARK, sizeof CUT_MARK - 1);
}

void hak_text_add_name(struct hak_text *text, const char *name) {
    if (name)
        add_cut(text, name, HAK_TEXT_NAME_MAX, -1);
}

void hak_text_add_word(struct hak_text *text, const char *name) {
    size_t from = text->length;
    hak_text_add_name(text, name);
    for (size_t i = from; i < text->length; i++)
        if (text->bytes[i] == ' ')
            text->bytes[i] = '_';
}

void hak_text_add_lines(struct hak_text *text, const char *lines) {
    if (lines)
        add_cut(text, lines, HAK_TEXT_LINES_MAX, '\n');
}

void hak_text_add_field(struct hak_text *text, const char *field, size_t bytes) {
    add_visible(text, field, bytes, -1, '\\');
}

/* Appends a byte that may not be shown: the replacement character and two digits. */
static void add_replaced(struct hak_text *text, unsigned char byte) {
    char digits[2] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    hak_text_add_bytes(text, REPLACEMENT, 3);
    hak_text_add_bytes(text, digits, 2);
}

void hak_text_add_utf8(struct hak_text *text, const char *name, size_t most) {
    bool is_cut;
    size_t length = name ? bounded(name, most, &is_cut) : 0, run = 0;
    const unsigned char *s = (const unsigned char *)name;
    for (size_t i = 0; i < length;) {
        int bytes = hak_utf8_bytes(s + i, length - i);
        if (bytes > 0 && !(bytes == 3 && memcmp(s + i, REPLACEMENT, 3) == 0)) {
            i += (size_t)bytes;
            continue;
        }
        hak_text_add_bytes(text, name + run, i - run);
        for (int k = 0; k < (bytes > 0 ? bytes : 1); k++)
            add_replaced(text, s[i++]);
        run = i;
    }
    if (length > run)
        hak_text_add_bytes(text, name + run, length - run);
    if (name && is_cut)
        hak_text_add_bytes(text, CUT_MARK, sizeof CUT_MARK - 1);
}

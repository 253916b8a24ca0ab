/* Finds the characters of a foreign text that may be shown as they are, and escapes the others.
 *
 * Foreign is what hakmem did not write itself: names, paths and arguments of programs, text out of
 * a store, messages of libraries. Shown raw it could move the cursor, forge a line of a report or
 * turn the direction of writing. So each byte that is no part of a harmless UTF-8 character is
 * written as \n, \t or \xNN. Two printers use this rule: report/text/text.h and platform/line.h. */
#ifndef HAK_VISIBLE_H
#define HAK_VISIBLE_H

#include <stddef.h>

#define HAK_VISIBLE_ESCAPE_MAX 4 /* "\xNN" */

/* Bytes of the UTF-8 character that begins at `s`, with `left` bytes there; 0: none does. */
static inline int hak_utf8_bytes(const unsigned char *s, size_t left) {
    if (left == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    int bytes = s[0] >= 0xf0 && s[0] < 0xf5   ? 4
                : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                                              : 0;
    if (left < (size_t)bytes)
        return 0;
    for (int i = 1; i < bytes; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (bytes == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)))
        return 0; /* longer than needed, or half of a pair of UTF-16 */
    if (bytes == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)))
        return 0;
    return bytes;
}

/* The bytes of the character at `s`, as hak_utf8_bytes, but 0 for what acts on a terminal or
 * deceives its reader: control characters (C0, DEL, C1), separators of lines and paragraphs, marks
 * that turn the direction of writing. */
static inline int hak_visible_bytes(const unsigned char *s, size_t left) {
    int bytes = hak_utf8_bytes(s, left);
    if (bytes == 1 && (s[0] < 0x20 || s[0] == 0x7f))
        return 0;
    if (bytes == 2 && s[0] == 0xc2 && s[1] < 0xa0)
        return 0; /* U+0080 to U+009F */
    if (bytes == 3 && s[0] == 0xe2 &&
        ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) || /* U+2028 to U+202E */
         (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))  /* U+2066 to U+2069 */
        return 0;
    return bytes;
}

/* Writes the visible form of a byte that hak_visible_bytes() refuses; returns its length. */
static inline size_t hak_visible_escape(char out[HAK_VISIBLE_ESCAPE_MAX], unsigned char byte) {
    char letter = byte == '\n' ? 'n' : byte == '\t' ? 't' : 'x';
    out[0] = '\\';
    out[1] = letter;
    if (letter != 'x')
        return 2;
    out[2] = "0123456789abcdef"[byte >> 4];
    out[3] = "0123456789abcdef"[byte & 15];
    return 4;
}

#endif

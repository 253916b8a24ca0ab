/* Appends text and numbers to a buffer, for the few lines that hakmem writes without stdio. */
#include "platform/line.h"

#include <errno.h>
#include "platform/raw_call.h"
#include "visible.h"

void hak_line_add(struct hak_line *line, const char *text) {
    while (text && *text && line->length + 1 < sizeof line->text)
        line->text[line->length++] = *text++;
}

void hak_line_add_name(struct hak_line *line, const char *name) {
    const unsigned char *s = (const unsigned char *)(name ? name : "");
    while (*s) {
        char out[HAK_VISIBLE_ESCAPE_MAX];
        size_t left = 1;
        while (left < 4 && s[left])
            left++;
        int bytes = hak_visible_bytes(s, left);
        const char *from = bytes > 0 ? (const char *)s : out;
        size_t count = bytes > 0 ? (size_t)bytes : hak_visible_escape(out, *s);
        if (line->length + count >= sizeof line->text)
            return; /* no half of a character, nor of an escape */
        for (size_t i = 0; i < count; i++)
            line->text[line->length++] = from[i];
        s += bytes > 0 ? bytes : 1;
    }
}

/* Appends the number in base 10 or 16, without leading zeros. */
static void add_digits(struct hak_line *line, uint64_t number, unsigned base) {
    char digits[24];
    unsigned at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    hak_line_add(line, digits + at);
}

void hak_line_number(struct hak_line *line, uint64_t number) {
    add_digits(line, number, 10);
}

void hak_line_hex(struct hak_line *line, uint64_t number) {
    hak_line_add(line, "0x");
    add_digits(line, number, 16);
}

void hak_line_say(struct hak_line *line, const char *text, uint64_t number, const char *after) {
    hak_line_add(line, text);
    hak_line_number(line, number);
    hak_line_add(line, after);
}

const char *hak_line_text(struct hak_line *line) {
    line->text[line->length] = 0;
    return line->text;
}

long hak_line_write(struct hak_line *line, long file) {
    size_t done = 0;
    long wrote = 0;
    while (done < line->length) {
        wrote = hak_raw_call(SYS_write, file, (long)(line->text + done),
                             (long)(line->length - done), 0, 0, 0);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote != -EINTR)
            break;
    }
    bool is_whole = done == line->length;
    line->length = 0;
    return is_whole ? 0 : wrote < 0 ? -wrote : ENOSPC;
}

void hak_line_end(struct hak_line *line) {
    line->text[line->length++] = '\n';
    (void)hak_line_write(line, 2);
}

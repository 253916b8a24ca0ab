/* Text and numbers appended to a buffer, for the few lines that hakmem writes without stdio. */
#include "platform/line.h"

/* Room for the line's end is always kept. */
static void add_byte(struct hak_line *line, char byte) {
    if (line->length + 1 < sizeof line->text)
        line->text[line->length++] = byte;
}

void hak_line_add(struct hak_line *line, const char *text) {
    while (*text)
        add_byte(line, *text++);
}

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

void hak_line_address(struct hak_line *line, const void *address) {
    hak_line_add(line, "0x");
    add_digits(line, (uintptr_t)address, 16);
}

void hak_line_say(struct hak_line *line, const char *text, uint64_t number, const char *after) {
    hak_line_add(line, text);
    hak_line_number(line, number);
    hak_line_add(line, after);
}

void hak_line_end(struct hak_line *line) {
    line->text[line->length++] = '\n';
    hak_write_error(line->text, line->length);
    line->length = 0;
}

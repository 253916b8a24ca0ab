/* Writes the lines of HAKMEM_SS_ACQUIRE_DEBUG without stdio. */
#include "pool/tell.h"

struct line {
    size_t length;
    char text[128];
};

static void add_text(struct line *line, const char *text) {
    while (*text && line->length < sizeof line->text)
        line->text[line->length++] = *text++;
}

static void add_number(struct line *line, uintptr_t number, unsigned base) {
    char digits[24];
    unsigned at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    add_text(line, digits + at);
}

void hak_pool_write_line(const char *what, const void *superslab, hak_owner_t owner) {
    struct line line = {0};
    add_text(&line, "hakmem: SuperSlab 0x");
    add_number(&line, (uintptr_t)superslab, 16);
    add_text(&line, " ");
    add_text(&line, what);
    if (owner != HAK_OWNER_NOBODY && owner != HAK_OWNER_RESERVE) {
        add_text(&line, " by heap ");
        add_number(&line, owner, 10);
    }
    add_text(&line, "\n");
    hak_write_error(line.text, line.length);
}

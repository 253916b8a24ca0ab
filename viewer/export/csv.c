/* Puts rows of CSV together. */
#include "viewer/export/csv.h"

#include <inttypes.h>
#include <string.h>

/* A comma between two cells of a row. */
static void begin_cell(struct hak_text *text) {
    if (text->length && text->bytes[text->length - 1] != '\n')
        hak_text_add(text, ",");
}

void csv_add_number(struct hak_text *text, uint64_t value) {
    begin_cell(text);
    hak_text_add(text, "%" PRIu64, value);
}

void csv_add_address(struct hak_text *text, uint64_t address) {
    begin_cell(text);
    if (address)
        hak_text_add(text, "0x%" PRIx64, address);
}

void csv_add_flag(struct hak_text *text, bool value) {
    begin_cell(text);
    hak_text_add(text, value ? "1" : "0");
}

void csv_add_text(struct hak_text *text, struct hak_text *value) {
    const char *from = hak_text_string(value);
    begin_cell(text);
    text->failed |= value->failed;
    if (from[strcspn(from, ",\"\r\n")] == '\0') {
        hak_text_add_text(text, value);
        hak_text_free(value);
        return;
    }
    hak_text_add(text, "\"");
    while (*from) { /* a quote is written twice */
        size_t part = strcspn(from, "\"");
        part += from[part] == '"';
        hak_text_add_bytes(text, from, part);
        if (from[part - 1] == '"')
            hak_text_add(text, "\"");
        from += part;
    }
    hak_text_add(text, "\"");
    hak_text_free(value);
}

void csv_add_foreign(struct hak_text *text, const char *value) {
    struct hak_text visible = {0};
    hak_text_add_name(&visible, value);
    csv_add_text(text, &visible);
}

void csv_end_row(struct hak_text *text) {
    hak_text_add(text, "\n");
}

/* Puts rows of CSV together. */
#include "viewer/export/csv.h"

#include <inttypes.h>
#include <string.h>

/* Adds a text as a cell, with quotes where it needs them. */
static void add_quoted(struct hak_text *text, const char *from) {
    if (from[strcspn(from, ",\"\r\n")] == '\0') {
        hak_text_add_bytes(text, from, strlen(from));
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
}

/* Adds the member's value; what is not known or an address of 0 is an empty cell. */
static void add_value(struct hak_text *text, const struct hak_member *member) {
    struct hak_text visible = {0};
    if (member->kind == HAK_MEMBER_TEXT)
        hak_text_add_name(&visible, member->text);
    else if (member->kind == HAK_MEMBER_NUMBER || member->kind == HAK_MEMBER_FLAG)
        hak_text_add(text, "%" PRIu64, (uint64_t)member->number);
    else if (member->kind == HAK_MEMBER_ADDRESS && member->number)
        hak_text_add(text, "0x%" PRIx64, (uint64_t)member->number);
    add_quoted(text, member->kind == HAK_MEMBER_WORD ? member->text : hak_text_string(&visible));
    text->failed |= visible.failed;
    hak_text_free(&visible);
}

void csv_add_members(struct hak_text *text, bool is_heading, const struct hak_member *member) {
    for (const char *between = ""; member->kind; member++, between = ",") {
        hak_text_add(text, "%s%s", between, is_heading ? member->name : "");
        if (!is_heading)
            add_value(text, member);
    }
    hak_text_add(text, "\n");
}

/* BYTES: the memory around the pointer when the fault was found, in hexadecimal and as text, four
 * rows of 16. */
#include "report/page/parts.h"

#define ROW_BYTES 16u
#define ROWS      (HAK_REPORT_BYTES / ROW_BYTES)

/* One row of bytes in hexadecimal and as text; the byte of the fault stands in brackets. */
static void add_row(struct hak_text *text, const struct report_page *page, unsigned row) {
    const uint8_t *bytes = page->request->bytes + row * ROW_BYTES;
    uint64_t address = page->request->bytes_address + row * ROW_BYTES;
    uint64_t focus = report_has_offset(page) ? hak_facts_focus(page->facts) : 0;
    hak_text_add(text, "      0x%llx ", (unsigned long long)address);
    for (unsigned i = 0; i < ROW_BYTES; i++)
        hak_text_add(text, "%c%02x",
                     address + i == focus                ? '['
                     : i > 0 && address + i - 1 == focus ? ']'
                                                         : ' ',
                     bytes[i]);
    hak_text_add(text, "%c  ", address + ROW_BYTES - 1 == focus ? ']' : ' ');
    for (unsigned i = 0; i < ROW_BYTES; i++)
        hak_text_add(text, "%c", bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
    hak_text_add(text, "\n");
}

/* Whether a row of bytes is shown: those of the block and of the memory beside its slot; beside a
 * large block anything may be mapped. */
static bool is_row_shown(const struct report_page *page, unsigned row) {
    const struct hak_report_request *request = page->request;
    uint64_t margin = page->facts->superslab ? ROW_BYTES : 0;
    uint64_t from = request->bytes_address + row * ROW_BYTES;
    if (!(request->bytes_known >> row & 1) || from + ROW_BYTES <= page->base - margin ||
        from >= page->base + page->slot_bytes + margin)
        return false;
    return page->cut < CUT_LENGTHS || hak_facts_focus(page->facts) < from + ROW_BYTES;
}

/* Whether a freed block's bytes say nothing: pages that were closed hold zeros when they are opened
 * again. */
static bool is_emptied(const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    if (!page->is_freed)
        return false;
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned i = 0; i < ROW_BYTES && is_row_shown(page, row); i++)
            if (request->bytes[row * ROW_BYTES + i] != 0)
                return false;
    return true;
}

/* The name of the bytes, for the heading. */
static const char *place_of(const struct report_page *page) {
    unsigned fault = page->facts->fault;
    if (!report_has_offset(page))
        return "of the freed block";
    return hak_fault_is_damage(fault) && !report_is_proved_by_word(page) &&
                   !report_is_by_function(page)
               ? "around the damage, marked [],"
               : "around the pointer, marked [],";
}

void report_bytes(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    uint64_t focus = hak_facts_focus(page->facts);
    if (!page->base || focus < request->bytes_address ||
        focus >= request->bytes_address + HAK_REPORT_BYTES || is_emptied(page))
        return;
    int rows = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        if (!is_row_shown(page, i))
            continue;
        if (rows++ == 0)
            hak_text_add(text, "  BYTES             %s when the fault was found:\n",
                         place_of(page));
        add_row(text, page, i);
    }
}

/* Counts what sweeps and leak scans left out because programs had closed pages of their own blocks,
 * and such pages that the malloc family opened. */
#include "viewer/info/parts.h"

#include <jansson.h>
#include "report/words/words.h"

/* `any` is 0 where all are. */
struct closed_page_counts {
    uint64_t left_out_blocks, left_out_bytes, opened_pages, any;
};

/* Reads how much sweeps and leak scans left out because the program had closed the pages
 * (PROT_NONE), and how many pages were opened for them. */
static struct closed_page_counts read_closed_page_counts(struct view *view) {
    static const char *const names[] = {"CLOSED_LOOK.amount", "CLOSED_SCAN.amount",
                                        "CLOSED_OPEN.times"};
    uint64_t read[3];
    int error = view_read_reached(view, names, read, 3);
    if (error)
        view_store_error(view, error);
    return (struct closed_page_counts){read[0], read[1], read[2], read[0] | read[1] | read[2]};
}

void info_add_closed(struct hak_text *text, struct view *view) {
    struct closed_page_counts counts = read_closed_page_counts(view);
    const char *between = "";
    if (!counts.any)
        return;
    hak_text_add(text, "the program closed pages of its blocks: ");
    if (counts.left_out_blocks > 0) {
        hak_text_add(text, "sweeps left out %s",
                     hak_words_count(counts.left_out_blocks, "block", "blocks"));
        between = ", ";
    }
    if (counts.left_out_bytes > 0) {
        hak_text_add(text, "%sleak scans left out %s", between,
                     hak_words_size(counts.left_out_bytes));
        between = ", ";
    }
    if (counts.opened_pages > 0)
        hak_text_add(text, "%sthe malloc family opened %s", between,
                     hak_words_count(counts.opened_pages, "page", "pages"));
}

json_t *info_closed_json(struct view *view) {
    struct closed_page_counts counts = read_closed_page_counts(view);
    if (!counts.any)
        return json_null();
    return hak_json_object(NUMBER("sweeps_left_out_blocks", counts.left_out_blocks),
                           NUMBER("scans_left_out_bytes", counts.left_out_bytes),
                           NUMBER("opened_pages", counts.opened_pages));
}

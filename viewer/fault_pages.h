/* The long text of each fault, for `explain`: the pages docs/specs/faults/HKM-NNN.md as they are,
 * compiled in by tools/embed_pages. */
#ifndef HAK_VIEWER_FAULT_PAGES_H
#define HAK_VIEWER_FAULT_PAGES_H

struct hak_fault_page {
    unsigned number;  /* of faults.def; 0 ends the table */
    const char *text; /* Markdown, lines ended by '\n' */
};

extern const struct hak_fault_page hak_fault_pages[];

#endif

/* The pages of docs/specs/faults as text, put into the program when it is built
 * (tools/embed_pages). */
#ifndef HAK_VIEWER_FINDINGS_FAULT_PAGES_H
#define HAK_VIEWER_FINDINGS_FAULT_PAGES_H

struct hak_fault_page {
    unsigned code; /* number in faults.def; 0 ends the list */
    const char *text;
};
extern const struct hak_fault_page hak_fault_pages[];

#endif

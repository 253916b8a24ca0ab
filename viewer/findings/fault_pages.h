/* The pages of docs/specs/faults, put into the program when it is built (tools/embed_pages). */
#ifndef HAK_VIEWER_FINDINGS_FAULT_PAGES_H
#define HAK_VIEWER_FINDINGS_FAULT_PAGES_H

#define HAK_PAGE_BOLD  '\001' /* in `text`: from here on */
#define HAK_PAGE_PLAIN '\002'

struct hak_fault_page {
    unsigned code;        /* number in faults.def; 0 ends the list */
    const char *markdown; /* as it is */
    const char *text;     /* for a terminal, without its first heading */
};
extern const struct hak_fault_page hak_fault_pages[];

#endif

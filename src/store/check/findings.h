/* What a check of a store finds, a sentence each. */
#ifndef HAK_STORE_CHECK_FINDINGS_H
#define HAK_STORE_CHECK_FINDINGS_H

struct hak_check_findings {
    void (*each)(void *context, const char *text); /* NULL = only counted */
    void *context;
    int count;
};

/* Adds a sentence, cut after 600 bytes. */
__attribute__((format(printf, 2, 3))) void hak_check_add(struct hak_check_findings *findings,
                                                         const char *format, ...);

#endif

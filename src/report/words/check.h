/* Sentences on the errors that a check of a store found. */
#ifndef HAK_REPORT_WORDS_CHECK_H
#define HAK_REPORT_WORDS_CHECK_H

#include "report/text/text.h"
#include "store/check/check.h"

/* Appends the error, a sentence without its full stop. */
void hak_words_add_check_finding(struct hak_text *text, const struct hak_check_finding *finding);

#endif

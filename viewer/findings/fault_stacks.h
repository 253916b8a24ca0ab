/* A fault's report with every stack whole. */
#ifndef HAK_VIEWER_FINDINGS_FAULT_STACKS_H
#define HAK_VIEWER_FINDINGS_FAULT_STACKS_H

#include <stdbool.h>
#include "report/text/text.h"

/* Appends `report`, the text as the store has it, with all frames that `json`, beside it, has.
 * False: the JSON is damaged, and nothing is appended. */
bool fault_stacks_add(struct hak_text *text, const char *report, const char *json);

#endif

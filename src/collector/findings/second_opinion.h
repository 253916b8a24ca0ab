/* libunwind's walk of the stack of a fault, from outside the program that dies.
 *
 *   registers, copied stack (session memory) --+
 *   text and .eh_frame of the modules' files --+--> libunwind, in a child of its own --> frames
 *
 * hakmem's own walk ran inside the program; this one shares no code with it. The program is not
 * asked for anything and need not be traceable: words come from the 256 KiB of stack that it left
 * and from the modules' files, of the vdso from ours (it is the kernel's, one for all). Data of a
 * dying program may send libunwind anywhere, so it runs in a forked child that is killed after half
 * a second. */
#ifndef HAK_COLLECTOR_FINDINGS_SECOND_OPINION_H
#define HAK_COLLECTOR_FINDINGS_SECOND_OPINION_H

#include <stdint.h>
#include "collector/capture/capture.h"
#include "report/page/page.h"

/* Asks libunwind about `request`, whose process has row `process`. Nothing in the request is
 * trusted. Takes at most about half a second. */
void hak_second_opinion_take(const struct hak_report_request *request, struct hak_rows *rows,
                             uint32_t process, struct hak_second_opinion *out);

#endif

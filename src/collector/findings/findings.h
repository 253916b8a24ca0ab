/* The door of findings: faults, crashes and leaks on their way to a printed page and a row.
 *
 *   report request --fault.h--> what the page needs is stored and resolved --> page --> printed
 *   LEAK records   --leaks.h--> groups by stack --> page, rows                            ^
 *   is it known? (judge.h: suppressions, baselines) --------------------------------------+
 *
 * The worker owns it, and its thread alone uses it. It calls session, capture and link. */
#ifndef HAK_COLLECTOR_FINDINGS_FINDINGS_H
#define HAK_COLLECTOR_FINDINGS_FINDINGS_H

#include "collector/findings/fault.h"
#include "collector/findings/judge.h"
#include "collector/findings/leaks.h"
#include "report/text/text.h"

struct hak_findings {
    struct hak_judge judge;
    struct hak_leaks leaks;
    struct hak_fault *late; /* stored, and their names were not read in time */
    uint32_t late_count;
    const char *log_path;              /* of all reports, by `run`; "" = as each session says */
    enum hak_color color;              /* of reports that go to stderr */
    char own_log_path[HAK_PATH_BYTES]; /* that a process of this user named last */
};

#endif

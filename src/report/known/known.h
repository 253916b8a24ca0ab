/* Identifies findings and tells whether they are known: so that a job fails for new ones alone.
 *
 *   stack --> fingerprint.c --> "HKM-202:5f0c..." --> baseline.c: a file of findings of before
 *   stack --> suppress.c: a file of patterns
 *
 * The collector asks while it records, the viewer afterwards. Calls words and text. */
#ifndef HAK_REPORT_KNOWN_KNOWN_H
#define HAK_REPORT_KNOWN_KNOWN_H

#include "report/known/baseline.h"
#include "report/known/fingerprint.h"
#include "report/known/suppress.h"

#endif

/* Numbers the faults that hakmem reports, by faults.def. */
#ifndef HAK_FAULT_CODES_H
#define HAK_FAULT_CODES_H

enum hak_fault_code {
#define FAULT(name, number, text, bracket, injection, sentence, advice) HAK_FAULT_##name = number,
#include "faults.def"
};

#endif

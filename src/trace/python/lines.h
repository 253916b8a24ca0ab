/* Finds the source line of an instruction of a code object. */
#ifndef HAK_TRACE_PYTHON_LINES_H
#define HAK_TRACE_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* The line of instruction `index` by a table of `bytes` bytes (CPython's Objects/locations.md), of
 * code that begins in line `first`; 0 = it has none. */
HAK_HIDDEN uint32_t hak_python_line(const uint8_t *table, size_t bytes, uint32_t first,
                                    uint32_t index);

#endif

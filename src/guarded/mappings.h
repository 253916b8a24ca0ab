/* The number of mappings that the kernel lets a process have. */
#ifndef HAK_GUARDED_MAPPINGS_H
#define HAK_GUARDED_MAPPINGS_H

#include <stdint.h>
#include "block.h"

/* vm.max_map_count as it was at the first call, at least 1; Linux's default where it cannot be
 * read, or is greater. */
HAK_HIDDEN int32_t hak_most_mappings(void);

#endif

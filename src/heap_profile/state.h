/* The two halves of the heap profile's memory, for each other (heap_profile.h has the picture). */
#ifndef HAK_HEAP_PROFILE_STATE_H
#define HAK_HEAP_PROFILE_STATE_H

#include "heap_profile/heap_profile.h"

HAK_HIDDEN extern struct hak_heap_profile hak_heap_table;

/* Makes the memory of both at the first sample. False: there is none, or somebody makes it now. */
HAK_HIDDEN bool hak_heap_sites_make(uint64_t now_ns);
HAK_HIDDEN bool hak_heap_live_make(void);
/* In the child of a fork: what another thread of its parent did to the numbers is over. */
HAK_HIDDEN void hak_heap_live_after_fork(void);

/* The place of a stack in sites[]; 0: it has none, or the table had no place for it, which is
 * counted. */
HAK_HIDDEN uint32_t hak_heap_site_of(const uintptr_t *ips, size_t count);

/* Gives the pages behind those in use back; those from the end of what is in use to the whole end.
 */
HAK_HIDDEN void hak_heap_sites_empty(void);
HAK_HIDDEN void hak_heap_empty_pages(const void *used_end, const void *end);

#endif

/* Memory tags of large blocks in level light (light.h), whose blocks have nothing around them:
 *
 *   chunk of L2.5   | block: t | free: u | block: v | ....     none has a neighbour's
 *   other mapping   no tags
 *
 * All of a block's pages have one tag. It is written when the block goes to the program, unless it
 * stands, and the next one when it comes back: one that neither neighbour has, so that the last 4
 * lives had others. Two threads that tag neighbours at the same moment may choose the same one.
 *
 * The caller has the block, and the calling thread is deaf (memory_tags.h). No lock. */
#ifndef HAK_LARGE_TAGS_H
#define HAK_LARGE_TAGS_H

#include "large_map/large_map.h"
#include "memory_tags.h"

/* The tag of a block that goes to the program, or that it has; 0: none. */
HAK_HIDDEN unsigned hak_large_tag_of(const struct hak_large *large);

/* Gives a block that the program gives back, or that moved, its next tag. */
HAK_HIDDEN void hak_large_tag_next(const struct hak_large *large);

/* Gives pages that came to a block of `old_bytes` its tag, which is `tag`, and lets the others be:
 * the program may have closed some. */
HAK_HIDDEN void hak_large_tag_grown(const struct hak_large *large, size_t old_bytes, unsigned tag);

/* The next tag to the pages that a block gives up as it becomes `bytes` long. */
HAK_HIDDEN void hak_large_tag_cut(const struct hak_large *large, size_t bytes);

/* Pages of a block of L2.5 have moved to `pages`, where blocks have no tags; those that came to
 * their place get fit for them. */
HAK_HIDDEN void hak_large_tag_moved(const struct hak_large *large, char *pages);

#endif

/* Functions that --skip REGEX takes for wrappers of the allocator, as a program may name its own:
 * zmalloc_usable, sdsnewlen. The store keeps the expression, so later commands pass over them, too.
 *
 *   --skip REGEX --> profile_keep_skip --> meta "skip" of the store
 *                                            \--> profile_read_skip --> places
 *
 * One thread. */
#ifndef HAK_VIEWER_PROFILE_SKIP_H
#define HAK_VIEWER_PROFILE_SKIP_H

#include "viewer/profile/places.h"

/* If --skip was given: looks whether it is a regular expression, and keeps it in the open store (""
 * = none any more). If the store cannot be written, a line on stderr says that it is not kept; it
 * counts for this answer. False: it is none, the error is printed. */
bool profile_keep_skip(struct view *view);
/* Puts the given expression, else the one that is kept, into `places`. Skips nothing, and says
 * nothing, if it is empty or no regular expression: profile_keep_skip says that of a given one. */
void profile_read_skip(struct profile_places *places);

#endif

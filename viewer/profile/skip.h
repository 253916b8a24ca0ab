/* --skip REGEX: functions that are wrappers of the allocator, too, as a program names them
 * (zmalloc_usable, sdsnewlen). It is kept in the store, so that every command that is asked later
 * passes over them.
 *
 *   --skip REGEX --> profile_keep_skip --> meta "skip" of the store --> profile_read_skip -->
 * places
 *
 * One thread. */
#ifndef HAK_VIEWER_PROFILE_SKIP_H
#define HAK_VIEWER_PROFILE_SKIP_H

#include "viewer/profile/places.h"

/* Where --skip was given: looks whether it is a regular expression, and keeps it in the open store
 * ("" = none any more). Of a store that cannot be written a line on stderr says that it is not
 * kept; it counts for this answer. False: it is none, the error is printed. */
bool profile_keep_skip(struct view *view);
/* What was given, else what is kept, into `places`. */
void profile_read_skip(struct profile_places *places);

#endif

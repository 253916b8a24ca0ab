/* A day, or how long ago, as people type it. */
#ifndef HAK_VIEWER_FLEET_WHEN_H
#define HAK_VIEWER_FLEET_WHEN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { FLEET_DAY_SECONDS = 24 * 3600 };

/* Reads "2026-11-23", "2026-11-23T14:05" (UTC), or how long before `now`: "12h", "30d", "2w", into
 * seconds since 1970. False: the error, which names --`option`, is printed. */
bool fleet_read_when(const char *option, const char *text, time_t now, int64_t *seconds);

#endif

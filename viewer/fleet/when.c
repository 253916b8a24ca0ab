/* Reads a day or a span of days. */
#include "viewer/fleet/when.h"

#include <stdlib.h>
#include <string.h>
#include "viewer/cli/cli.h"

enum { HOUR = 3600, WEEK = 7 * FLEET_DAY_SECONDS, MANY = 100000 };

/* Reads a span before now, as 12h, 7d or 2w, into the moment it begins at, not before 1970. False:
 * it is none. */
static bool read_span(const char *text, time_t now, int64_t *seconds) {
    char *end;
    unsigned long many = strtoul(text, &end, 10);
    int64_t unit = *end == 'h' ? HOUR : *end == 'd' ? FLEET_DAY_SECONDS : *end == 'w' ? WEEK : 0;
    if (end == text || *text == '-' || *text == '+' || !unit || end[1] || many > MANY)
        return false;
    *seconds = (int64_t)now - (int64_t)many * unit;
    *seconds = *seconds < 0 ? 0 : *seconds;
    return true;
}

/* Reads a day or a moment in UTC; false where it is none of the calendar. */
static bool read_day(const char *text, int64_t *seconds) {
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm day = {0};
        const char *end = strptime(text, forms[i], &day);
        if (!end || *end || day.tm_year < 70 || day.tm_year > 9998 - 1900)
            continue;
        struct tm asked = day;
        *seconds = (int64_t)timegm(&day);
        return asked.tm_mday == day.tm_mday; /* no 31st of November */
    }
    return false;
}

bool fleet_read_when(const char *option, const char *text, time_t now, int64_t *seconds) {
    if (read_span(text, now, seconds) || read_day(text, seconds))
        return true;
    view_error("--%s %s: a day (2026-11-23), a time (2026-11-23T14:05, UTC) or how long ago (12h, "
               "30d, 2w) was expected",
               option, text);
    return false;
}

/* The version of everything that is built here, by semver.org, and its day. */
#ifndef HAK_VERSION_H
#define HAK_VERSION_H

#define HAK_VERSION     "0.1.0"
#define HAK_VERSION_DAY "November 23, 2026"

#endif

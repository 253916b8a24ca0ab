/* The code of paths for formats that keep addresses: a path as return addresses, each with the
 * functions that were inlined there.
 *
 *   path: place place place place ...  -->  sites: (code, places first..first+count), numbered once
 */
#ifndef HAK_VIEWER_EXPORT_STACKS_H
#define HAK_VIEWER_EXPORT_STACKS_H

#include "viewer/export/parts.h"

/* A return address with what is shown of it; code UINT32_MAX: no stack. */
struct export_site {
    uint32_t code;
    uint32_t first, count; /* in export_sites.place: numbers of places, inlined functions first */
};

struct export_sites {
    struct export_site *site; /* number n is site[n - 1] */
    uint32_t sites, room;
    uint32_t *place;
    uint32_t places, place_room;
    struct hak_index by_key;
    uint32_t *of_path; /* numbers of the sites of the path at hand, innermost first */
    uint32_t count, path_room;
};

/* Fills in of_path and count from a path. False without memory. */
bool export_find_sites(struct export_sites *all, const struct profile_path *path);
void export_free_sites(struct export_sites *all);

#endif

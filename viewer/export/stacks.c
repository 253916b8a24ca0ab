/* Numbers the return addresses of paths. */
#include "viewer/export/stacks.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

/* How many places from `first` on are of the same return address; of a call of itself each is one
 * of its own. */
static uint32_t length_of_site(const struct profile_path *path, uint32_t first) {
    uint32_t count = 1;
    while (path->code[first] != UINT32_MAX && first + count < path->count &&
           path->code[first + count] == path->code[first] &&
           path->place[first + count] != path->place[first])
        count++;
    return count;
}

/* The site's number; a new one is entered. 0 without memory. */
static uint32_t number_site(struct export_sites *all, uint32_t code, const uint32_t *place,
                            uint32_t count) {
    uint64_t key = hak_index_mix(code, count), at = 0;
    for (uint32_t i = 0; i < count; i++)
        key = hak_index_mix(key, place[i]);
    for (uint32_t row; (row = hak_index_find(&all->by_key, key, &at)) != 0;) {
        const struct export_site *found = &all->site[row - 1];
        if (found->code == code && found->count == count &&
            memcmp(all->place + found->first, place, count * sizeof *place) == 0)
            return row;
    }
    if (!hak_growing_make_room(&all->site, all->sites, &all->room, sizeof *all->site) ||
        !hak_index_add(&all->by_key, key, all->sites + 1))
        return 0;
    all->site[all->sites] = (struct export_site){code, all->places, count};
    for (uint32_t i = 0; i < count; i++) {
        if (!hak_growing_make_room(&all->place, all->places, &all->place_room, sizeof *all->place))
            return 0;
        all->place[all->places++] = place[i];
    }
    return ++all->sites;
}

bool export_find_sites(struct export_sites *all, const struct profile_path *path) {
    all->count = 0;
    for (uint32_t first = 0; first < path->count;) {
        uint32_t count = length_of_site(path, first);
        uint32_t number = number_site(all, path->code[first], path->place + first, count);
        if (!number || !hak_growing_make_room(&all->of_path, all->count, &all->path_room,
                                              sizeof *all->of_path))
            return false;
        all->of_path[all->count++] = number;
        first += count;
    }
    return true;
}

void export_free_sites(struct export_sites *all) {
    free(all->site);
    free(all->place);
    free(all->of_path);
    hak_index_free(&all->by_key);
    *all = (struct export_sites){0};
}

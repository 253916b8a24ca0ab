/* Remembers where faults were reported, and counts those that were not (places.h). */
#include "trace/crash/places.h"

enum { PLACES = 1024 };
#define NEVER_AGAIN UINT64_MAX

static struct {
    uint64_t place; /* 0 = nothing here */
    uint64_t reported_ns;
    uint64_t unreported;
} places[PLACES];
static uint64_t all_unreported; /* of places that made room as well */

/* The index of `place`, or of the first that is free; PLACES when it is not there and all are
 * taken. */
static unsigned find(uint64_t place) {
    for (unsigned i = 0; i < PLACES; i++) {
        unsigned index = (unsigned)((place + i) % PLACES);
        if (places[index].place == place || places[index].place == 0)
            return index;
    }
    return PLACES;
}

bool hak_places_know(uint64_t place) {
    unsigned index = find(place);
    return index < PLACES && places[index].place == place;
}

void hak_places_add(uint64_t place) {
    unsigned index = find(place);
    if (index == PLACES)
        return;
    places[index].place = place;
    places[index].reported_ns = NEVER_AGAIN;
}

static bool is_over(unsigned index, uint64_t now_ns, uint64_t every_ns) {
    uint64_t since = places[index].reported_ns;
    return every_ns != 0 && since != NEVER_AGAIN && now_ns >= since && now_ns - since >= every_ns;
}

/* The place whose time has been over for longest; PLACES when there is none. */
static unsigned find_oldest(uint64_t now_ns, uint64_t every_ns) {
    unsigned oldest = PLACES;
    for (unsigned i = 0; i < PLACES; i++)
        if (is_over(i, now_ns, every_ns) &&
            (oldest == PLACES || places[i].reported_ns < places[oldest].reported_ns))
            oldest = i;
    return oldest;
}

bool hak_places_meet(uint64_t place, uint64_t now_ns, uint64_t every_ns, uint64_t *unreported) {
    unsigned index = find(place);
    *unreported = 0;
    if (index == PLACES) {
        index = find_oldest(now_ns, every_ns);
        if (index == PLACES) {
            all_unreported++;
            return false;
        }
    } else if (places[index].place == place) {
        if (!is_over(index, now_ns, every_ns)) {
            places[index].unreported++;
            all_unreported++;
            return false;
        }
        *unreported = places[index].unreported;
        all_unreported -= *unreported;
    }
    places[index].place = place;
    places[index].reported_ns = now_ns;
    places[index].unreported = 0;
    return true;
}

uint64_t hak_places_unreported(void) {
    return all_unreported;
}

void hak_places_forget_unreported(void) {
    all_unreported = 0;
    for (unsigned i = 0; i < PLACES; i++)
        places[i].unreported = 0;
}

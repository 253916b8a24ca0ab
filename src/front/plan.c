/* Makes the per-class table of the process from the options, and lets learning change it. */
#include "front/plan.h"

#include "front/override.h"
#include "mid/mid.h"

struct hak_class_plan hak_plan[HAK_CLASSES];
uint8_t hak_place_of_array[HAK_CLASSES];
_Alignas(HAK_PAGE_BYTES_MOST) struct hak_cache_plan
    hak_plan_caches[HAK_CLASSES * HAK_CACHES_OF_CLASS];
unsigned hak_plan_cache_count;
_Atomic uint32_t hak_plan_version;

/* Places of the first fronts. */
enum { ULTRAHOT = 8, HEAPV2 = 64, FC = 64, SFC = 128, SMALLMID = 64, TIGHT = 32 };

/* Room for what learning may want of a magazine. */
enum { LEARNT_PLACES = 512 };

/* An array begins with this part of what it may grow to, and with no fewer places. */
enum { START_PART = 4, LEAST_PLACES = 4 };

static bool is_made;

static unsigned smaller(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* ---- what each band has ---------------------------------------------------------------------- */

static bool is_within(unsigned band, unsigned low, unsigned high) {
    return band >= low && band <= high;
}

static bool is_tight(void) {
    return hak_options.tiny_preset == HAK_PRESET_ULTRA_TIGHT;
}

static bool has_heapv2(unsigned band) {
    return is_within(band, 2, 5) && (!hak_options.disable_heapv2 || hak_options.heapv2_only);
}

static bool has_only_heapv2(unsigned band) {
    return is_within(band, 2, 5) && hak_options.heapv2_only;
}

static bool has_smallmid(unsigned class_index) {
    size_t bytes = hak_class_bytes(class_index);
    return hak_options.smallmid_enable && bytes >= 256 && bytes <= 4096;
}

/* Places of the band's array; false in `may_grow` where somebody chose them. */
static unsigned array_places(unsigned band, bool *may_grow) {
    const uint64_t chosen[] = {hak_options.unified_c0, hak_options.unified_c1,
                               hak_options.unified_c2, hak_options.unified_c3,
                               hak_options.unified_c4, hak_options.unified_c5,
                               hak_options.unified_c6, hak_options.unified_c7};
    unsigned places = is_tight() ? TIGHT : HAK_ARRAY_PLACES;
    if (band < sizeof chosen / sizeof *chosen)
        places = (unsigned)chosen[band];
    *may_grow = places == HAK_ARRAY_PLACES && !hak_options.alloc_learn;
    return places;
}

/* ---- a class --------------------------------------------------------------------------------- */

/* Appends a cache to the class's chain in the plan; `batch` 0 is half of the capacity. */
static void add_cache(unsigned class_index, enum hak_place place, enum hak_storage storage,
                      unsigned capacity, unsigned batch) {
    unsigned room = storage == HAK_LIST ? 0 : capacity;
    if (place == HAK_PLACE_MAGAZINE && hak_options.alloc_learn && room < LEARNT_PLACES)
        room = LEARNT_PLACES;
    hak_plan_caches[hak_plan_cache_count++] = (struct hak_cache_plan){
        .class_index = (uint8_t)class_index,
        .place = (uint8_t)place,
        .storage = (uint8_t)storage,
        .capacity = capacity,
        .batch = batch ? batch : (capacity + 1) / 2,
        .room = room,
    };
    hak_plan[class_index].caches++;
}

static void add_first_front(unsigned class_index, enum hak_place place, enum hak_storage storage,
                            unsigned capacity) {
    add_cache(class_index, place, storage, is_tight() ? smaller(capacity, TIGHT) : capacity, 0);
}

/* Adds the tiny fronts that the options turn on for the class; none stands before a class of the
 * mid layer. */
static void add_first_fronts(unsigned class_index) {
    unsigned band = hak_class_band[class_index];
    if (has_only_heapv2(band)) {
        add_first_front(class_index, HAK_PLACE_HEAPV2, HAK_STACK, HEAPV2);
        return;
    }
    if (hak_options.ultrahot_enable && is_within(band, 2, 3))
        add_first_front(class_index, HAK_PLACE_ULTRAHOT, HAK_STACK, ULTRAHOT);
    if (has_heapv2(band))
        add_first_front(class_index, HAK_PLACE_HEAPV2, HAK_STACK, HEAPV2);
    if (hak_options.fc_enable && is_within(band, 0, 3))
        add_first_front(class_index, HAK_PLACE_FC, HAK_STACK, FC);
    if (hak_options.sfc_enable && is_within(band, 0, 7))
        add_first_front(class_index, HAK_PLACE_SFC, HAK_LIST, SFC);
}

static bool has_ring(unsigned class_index) {
    return hak_options.hot_ring_enable && is_within(hak_class_band[class_index], 2, 3);
}

static bool has_magazine(unsigned class_index) {
    return hak_options.magazine_enable == HAK_MAGAZINE_ON &&
           hak_class_bytes(class_index) <= HAK_MAGAZINE_MAX_BYTES;
}

/* Adds ring and SLL to the class's caches. They belong together even where the list may hold
 * nothing: every block of the ring comes by it. */
static void add_ring(unsigned class_index) {
    uint64_t places =
        hak_class_band[class_index] == 2 ? hak_options.hot_ring_c2 : hak_options.hot_ring_c3;
    add_cache(class_index, HAK_PLACE_RING, HAK_RING, (unsigned)places, 0);
    add_cache(class_index, HAK_PLACE_SLL, HAK_LIST, (unsigned)hak_options.sll_capacity, 0);
}

/* Plans the magazine and the TLS SLL behind it, each where its option gives it places. */
static void add_magazine(unsigned class_index, const struct hak_override *override) {
    unsigned places = (unsigned)hak_options.magazine_capacity;
    unsigned batch = 0;
    if (override && places) {
        places = override->capacity;
        batch = override->batch;
    }
    if (places)
        add_cache(class_index, HAK_PLACE_MAGAZINE, HAK_STACK, places, batch);
    if (hak_options.sll_capacity)
        add_cache(class_index, HAK_PLACE_SLL, HAK_LIST, (unsigned)hak_options.sll_capacity, 0);
}

/* The places with which an array begins that grows up to `most` where that pays: an even number. A
 * thread that frees a burst is left with that many blocks of each class. */
static unsigned places_at_start(unsigned most) {
    unsigned places = most / START_PART & ~1u;
    return places < LEAST_PLACES ? LEAST_PLACES : places;
}

/* Plans how many blocks the class's array holds, how far it may grow, and its place among the
 * caches. */
static void add_array(unsigned class_index, const struct hak_override *override) {
    struct hak_class_plan *plan = &hak_plan[class_index];
    bool may_grow;
    unsigned places = array_places(hak_class_band[class_index], &may_grow), batch = 0;
    if (override) {
        places = override->capacity;
        batch = override->batch;
        may_grow = false;
    }
    unsigned most = hak_array_most(class_index);
    places = smaller(places, may_grow && !hak_is_debug_build ? places_at_start(most) : most);
    plan->capacity = (uint16_t)places;
    plan->batch = (uint16_t)smaller(batch, places);
    plan->limit = (uint16_t)(may_grow ? most : places);
    if (plan->caches && places)
        add_cache(class_index, hak_mid_has(class_index) ? HAK_PLACE_MID_RING : HAK_PLACE_FRONT,
                  HAK_STACK, places, batch);
}

/* Tells the class's way from its plan: array, magazine with its list, another chain, or none. */
static enum hak_way way_of(const struct hak_class_plan *plan, bool has_array) {
    const struct hak_cache_plan *first = &hak_plan_caches[plan->first_cache];
    if (has_array && plan->caches == 0)
        return plan->capacity ? HAK_WAY_ARRAY : HAK_WAY_NONE;
    if (plan->caches == 0)
        return HAK_WAY_NONE;
    if (plan->caches == 2 && first->place == HAK_PLACE_MAGAZINE)
        return HAK_WAY_MAGAZINE;
    return HAK_WAY_CHAIN;
}

/* Plans the caches of a class from the options, first fronts first, and chooses its way. */
static void plan_class(unsigned class_index) {
    struct hak_class_plan *plan = &hak_plan[class_index];
    bool is_mid = hak_mid_has(class_index), has_array = false;
    const struct hak_override *override = hak_override_of(hak_class_band[class_index]);
    plan->first_cache = (uint16_t)hak_plan_cache_count;
    if (!is_mid)
        add_first_fronts(class_index);
    if (has_smallmid(class_index) && !(!is_mid && has_only_heapv2(hak_class_band[class_index])))
        add_first_front(class_index, HAK_PLACE_SMALLMID, HAK_STACK, SMALLMID);
    plan->base_cache = plan->caches;
    if (!is_mid && has_only_heapv2(hak_class_band[class_index])) {
        /* nothing behind it */
    } else if (!is_mid && has_ring(class_index)) {
        add_ring(class_index);
    } else if (!is_mid && has_magazine(class_index)) {
        add_magazine(class_index, override);
    } else {
        add_array(class_index, override);
        has_array = true;
    }
    plan->way = (uint8_t)way_of(plan, has_array);
    if (plan->way == HAK_WAY_ARRAY)
        hak_place_of_array[class_index] = is_mid ? HAK_PLACE_MID_RING : HAK_PLACE_FRONT;
    if (!has_array && plan->caches > plan->base_cache) {
        const struct hak_cache_plan *base = &hak_plan_caches[plan->first_cache + plan->base_cache];
        plan->capacity = plan->limit = (uint16_t)smaller(base->capacity, UINT16_MAX);
        plan->batch = (uint16_t)smaller(base->batch, UINT16_MAX);
    }
}

void hak_plan_start(void) {
    if (is_made)
        return;
    is_made = true;
    if (hak_options.has_text[HAK_INDEX_TINY_TLS_CLASS_OVERRIDE])
        hak_override_read(hak_options.class_override);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        plan_class(c);
}

void hak_plan_set(unsigned class_index, unsigned capacity, unsigned batch) {
    struct hak_class_plan *plan = &hak_plan[class_index];
    if (atomic_load_explicit(&plan->capacity, memory_order_relaxed) == 0)
        return;
    unsigned most = hak_array_most(class_index);
    if (plan->way != HAK_WAY_ARRAY)
        most = hak_plan_caches[plan->first_cache + plan->base_cache].room;
    capacity = capacity < 1 ? 1 : smaller(capacity, most);
    atomic_store_explicit(&plan->batch, (uint16_t)smaller(batch, capacity), memory_order_relaxed);
    atomic_store_explicit(&plan->limit, (uint16_t)capacity, memory_order_relaxed);
    atomic_store_explicit(&plan->capacity, (uint16_t)capacity, memory_order_relaxed);
    atomic_fetch_add_explicit(&hak_plan_version, 1, memory_order_release);
}

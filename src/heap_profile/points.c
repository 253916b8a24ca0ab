/* Draws when a thread's next sample is due, and answers what the plain allocator asks of the heap
 * profile alone, whichever library it is in (light.h). */
#include "heap_profile/heap_profile.h"
#include "light.h"
#include "platform/platform.h"

/* The thread's random bits, and the rate at which its bytes to the next sample were drawn. */
struct draw {
    uint64_t random, rate;
};
static __thread struct draw drawn __attribute__((tls_model("initial-exec")));

uint64_t hak_heap_profile_random(void) {
    uint64_t x = drawn.random;
    if (HAK_UNLIKELY(x == 0))
        x = hak_ticks() * 0x9e3779b97f4a7c15u ^ (uintptr_t)&drawn;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    drawn.random = x;
    return x;
}

int64_t hak_light_first_point(void) {
    return hak_heap_profile_next_point(hak_heap_profile_random(), &drawn.rate);
}

void hak_heap_profile_renew_point(int64_t *until_point) {
    if (HAK_UNLIKELY(!hak_heap_profile_has_rate(drawn.rate)))
        *until_point = hak_light_first_point();
}

double hak_light_weigh(size_t bytes, int64_t *until_point) {
    uint64_t rate = drawn.rate;
    *until_point = hak_light_first_point();
    return hak_heap_profile_weigh_point(bytes, rate);
}

bool hak_light_may_sample(size_t bytes, size_t extra, double weight) {
    struct hak_heap_sample sample = {bytes, extra, weight};
    return hak_heap_profile_has_room(&sample);
}

size_t hak_light_sampled_bytes(uint32_t sample) {
    return hak_heap_profile_bytes_of(sample);
}

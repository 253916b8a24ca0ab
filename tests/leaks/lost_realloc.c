/* p = realloc(p, ...) fails and overwrites the only pointer. LOST direct 1 128 indirect 0 0 */
#include "leaks.h"

static char *kept;

int main(void) {
    size_t too_much = (size_t)1 << 62;
    __asm__ volatile("" : "+r"(too_much));
    kept = take(128);
    kept = realloc(kept, too_much);
    forget_frames();
    return kept == NULL ? 0 : 2;
}

/* The only pointer is overwritten by the next block's. LOST direct 1 64 indirect 0 0 */
#include "leaks.h"

static char *volatile kept;

int main(void) {
    kept = take(64);
    use(kept);
    kept = take(32);
    forget_frames();
    return 0;
}

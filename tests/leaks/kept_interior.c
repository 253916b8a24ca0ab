/* Pointers into the middle of blocks, as embedded lists and aligned buffers have them. KEPT */
#include "leaks.h"

static char *volatile middle, *volatile last, *volatile large;

int main(void) {
    middle = (char *)take(1000) + 500;
    last = (char *)take(64) + 63;
    large = (char *)take(500000) + 400001;
    use(middle);
    forget_frames();
    return 0;
}

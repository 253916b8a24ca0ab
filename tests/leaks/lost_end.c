/* A pointer one past the end, and one in front of the block, do not hold it.
 * LOST direct 2 3064 indirect 0 0 */
#include "leaks.h"

static char *past, *before;

int main(void) {
    past = (char *)take(64) + 64;
    before = (char *)take(3000) - 1;
    use(past);
    use(before);
    forget_frames();
    return 0;
}

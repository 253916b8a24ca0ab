/* Large blocks, one of them above a mebibyte, with a small one that only they hold.
 * LOST direct 2 2100000 indirect 1 24 */
#include "leaks.h"

int main(void) {
    char **first = take(100000);
    char *second = take(2000000);
    first[5000] = take(24);
    use(second);
    use(first);
    forget_frames();
    return 0;
}

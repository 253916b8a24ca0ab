/* Blocks of the aligned calls and of calloc. LOST direct 4 5444 indirect 0 0 */
#include "leaks.h"

int main(void) {
    void *block = NULL;
    use(aligned_alloc(64, 320));
    use(aligned_alloc(4096, 4096));
    use(calloc(7, 4));
    if (posix_memalign(&block, 256, 1000) != 0)
        return 2;
    use(block);
    block = NULL;
    forget_frames();
    return 0;
}

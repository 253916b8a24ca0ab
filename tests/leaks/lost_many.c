/* Many blocks of one place, as a loop leaves them. LOST direct 5000 120000 indirect 0 0 */
#include "leaks.h"

static __attribute__((noinline)) void leave(int count) {
    for (int i = 0; i < count; i++)
        use(take(24));
}

int main(void) {
    leave(5000);
    forget_frames();
    return 0;
}

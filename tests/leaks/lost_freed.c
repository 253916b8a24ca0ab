/* The only pointer lies in a block that was freed. LOST direct 2 148 indirect 0 0 */
#include "leaks.h"

static char **holder;

int main(void) {
    char **local = take(512);
    holder = take(64);
    holder[3] = take(48);
    local[30] = take(100);
    free(local);
    free(holder);
    holder = NULL;
    forget_frames();
    return 0;
}

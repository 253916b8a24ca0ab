/* A block that only a local variable of main held. LOST direct 1 100 indirect 0 0 */
#include "leaks.h"

int main(void) {
    char *block = take(100);
    use(block);
    return 0;
}

/* Three blocks in main, taken and forgotten, as in a short exercise. LOST direct 3 152 indirect 0 0
 */
#include "leaks.h"

int main(void) {
    int *numbers = take(40);
    char *name = take(12);
    double *values = take(100);
    numbers[3] = 1;
    name[0] = 'x';
    values[1] = 2.0;
    printf("%d %c %.1f\n", numbers[3], name[0], values[1]);
    return 0;
}

/* Writes one byte past a block's end after the thread has freed others: their way is a shorter one.
 */
#include <stdlib.h>

int main(void) {
    for (int i = 0; i < 40; i++)
        free(malloc(40));
    char *line = malloc(40);
    line[40] = '\n';
    free(line);
    return 0;
}

/* Takes a hundred blocks in the middle of each band C0 to C7, and gives them back: `bands`. */
#include <stdlib.h>

int main(void) {
    static const size_t sizes[] = {8, 16, 30, 50, 100, 200, 400, 800};
    static char *blocks[100];
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int i = 0; i < 100; i++)
            blocks[i] = malloc(sizes[s]);
        for (int i = 0; i < 100; i++)
            free(blocks[i]);
    }
    return 0;
}

/* Frees a string literal. */
#include <stdlib.h>

int main(void) {
    char *volatile name = "a name that nobody allocated";
    free(name);
    return 0;
}

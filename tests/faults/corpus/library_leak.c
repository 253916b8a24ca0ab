/* The library that leak_library.c loads. */
#include <stdlib.h>

void library_keep(void);
void library_lose(void);

static char *kept;

void library_keep(void) {
    kept = malloc(142);
}

void library_lose(void) {
    char *volatile lost = malloc(141);
    lost[0] = 'l';
    lost = NULL;
}

/* HKM-301 by HAKMEM_CHECK_STRING: printf reads a name that strncpy has cut off, which has no NUL
 * then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 16 };

static char *keep(const char *name) {
    return strncpy(malloc(NAME_BYTES), name, NAME_BYTES);
}

static void show(const char *name) {
    printf("%.16s, ", name); /* reads no more than it has */
    printf("%5.2f %s\n", 1.5, name);
}

int main(void) {
    char *name = keep("margaret"), *longer = keep("margaret hamilton");
    show(name);
    show(longer);
    free(name);
    free(longer);
    return 0;
}

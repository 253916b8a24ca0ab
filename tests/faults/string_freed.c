/* HKM-304 by HAKMEM_CHECK_STRING: strlen of a string that was freed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *name;

static void forget(void) {
    free(name);
}
static size_t width(void) {
    return strlen(name);
}

int main(void) {
    name = strdup("a name");
    forget();
    printf("%d\n", width() > 1);
    return 0;
}

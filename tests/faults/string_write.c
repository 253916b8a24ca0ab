/* HKM-301 by HAKMEM_CHECK_STRING: strcpy writes a name and its NUL into a block that has room for
 * the name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *keep(const char *name) {
    char *copy = malloc(32); /* strlen(name) */
    return strcpy(copy, name);
}

int main(int count, char **arguments) {
    char name[64] = "";
    while (strlen(name) < 32)
        strcat(name, "a");
    char *copy = keep(count > 1 ? arguments[1] : name);
    printf("%c\n", copy[0]);
    free(copy);
    return 0;
}

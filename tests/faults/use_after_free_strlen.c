/* Takes the length of a string that it has freed, of one of those that lie so that strlen begins to
 * read in front of them: at the last 16 bytes of a page. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { names = 1000, page_bytes = 4096 };

static size_t length_of(const char *name) {
    return strlen(name);
}

int main(void) {
    static char *name[names];
    char *last = NULL;
    for (int i = 0; i < names; i++) {
        name[i] = malloc(24);
        strcpy(name[i], "in two pages");
        if ((uintptr_t)name[i] % page_bytes == page_bytes - 16)
            last = name[i];
    }
    for (int i = 0; i < names; i++)
        free(name[i]);
    return last && length_of(last) == 12345;
}

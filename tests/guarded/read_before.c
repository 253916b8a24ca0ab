/* Reads the byte in front of a string, looking for its first space. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static const char *last_space(const char *text) {
    const char *at = text + strlen(text);
    while (*--at != 0x20)
        ;
    return at;
}

int main(void) {
    be_busy();
    char *text = strdup("nospaceinhere");
    const char *at = last_space(text);
    free(text);
    return at == NULL;
}

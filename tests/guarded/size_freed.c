/* Asks how many bytes a block has that was freed. */
#include <malloc.h>
#include <stdlib.h>
#include "busy.h"

static size_t room_in(char *block) {
    return malloc_usable_size(block);
}

int main(void) {
    be_busy();
    char *block = malloc(40);
    free(block);
    be_busy();
    return room_in(block) == 12345;
}

/* Asks how many bytes a block has that was freed: the answer may be any number. */
#include <malloc.h>
#include <stdlib.h>

static char *blocks[200]; /* so that the page of the freed one stays open */

static size_t room_in(char *block) {
    return malloc_usable_size(block);
}

int main(void) {
    for (int i = 0; i < 200; i++)
        blocks[i] = malloc(24);
    free(blocks[100]);
    return room_in(blocks[100]) == 12345;
}

/* Asks how many bytes a large block has that was freed, and whose memory is gone. */
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *volatile block = malloc(200000);
    free(block);
    return malloc_usable_size(block) == 12345;
}

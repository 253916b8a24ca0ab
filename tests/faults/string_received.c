/* HKM-301 by HAKMEM_CHECK_STRING: read is given more bytes than the block has, and as many come.
 * The bytes that come are known after the call alone. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 80 };
static volatile size_t room = 64;

static void receive(int from) {
    char *line = malloc(room);
    (void)!read(from, line, LINE_BYTES);
    free(line);
}

int main(void) {
    int ends[2];
    char text[LINE_BYTES];
    memset(text, 'a', sizeof text);
    if (pipe(ends) != 0 || write(ends[1], text, 40) != 40)
        return 2;
    receive(ends[0]); /* fits, since no more were sent */
    if (write(ends[1], text, 70) != 70)
        return 2;
    receive(ends[0]);
    return 0;
}

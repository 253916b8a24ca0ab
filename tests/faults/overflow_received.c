/* HKM-301: read is told of more bytes than the block has. The kernel does the writing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 80 };
static volatile size_t room = 64;

static void receive(int from) {
    char *line = malloc(room);
    if (read(from, line, LINE_BYTES) != LINE_BYTES)
        exit(3);
    free(line);
}

int main(void) {
    int ends[2];
    char text[LINE_BYTES];
    memset(text, 'a', sizeof text);
    if (pipe(ends) != 0 || write(ends[1], text, sizeof text) != sizeof text)
        return 2;
    receive(ends[0]);
    return 0;
}

/* Does what its argument says when it is told to on stdin: crash, free twice, or end. Run by
 * collector.sh and deaths.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void crash(int *pointer) {
    *pointer = 1;
}

int main(int count, char **arguments) {
    char *block = malloc(24), byte;
    const char *what = count > 1 ? arguments[1] : "end";
    free(block);
    puts("ready");
    fflush(stdout);
    if (read(0, &byte, 1) < 0)
        return 1;
    if (strcmp(what, "crash") == 0)
        crash(NULL);
    if (strcmp(what, "abort") == 0)
        abort();
    if (strcmp(what, "fault") == 0)
        free(block);
    return 0;
}

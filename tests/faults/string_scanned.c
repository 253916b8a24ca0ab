/* HKM-301 by HAKMEM_CHECK_STRING: sscanf stores a word as long as the line has it. Its length is
 * known after the call alone. */
#include <stdio.h>
#include <stdlib.h>

static int read_user(const char *line) {
    int number = 0;
    char *name = malloc(16);
    if (sscanf(line, "user %s %d", name, &number) != 2)
        number = -1;
    free(name);
    return number;
}

int main(void) {
    int sum = read_user("user margaret 1");
    sum += read_user("user margaret.hamilton 2");
    return sum == 3 ? 0 : 1;
}

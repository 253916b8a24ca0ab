/* Frees twice, and then once more elsewhere; each argument takes one part away: "one", "two". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *kept;

static void close_session(void) {
    free(kept);
}

static void close_again(void) {
    free(kept);
}

static void overrun(const char *text) {
    char *copy = malloc(strlen(text));
    strcpy(copy, text);
    free(copy);
}

int main(int count, char **arguments) {
    const char *part = count > 1 ? arguments[1] : "";
    if (strcmp(part, "two") != 0) {
        kept = malloc(40);
        close_session();
        close_again();
    }
    if (strcmp(part, "one") != 0)
        overrun("sixteen letters!");
    puts("went on");
    return 7;
}

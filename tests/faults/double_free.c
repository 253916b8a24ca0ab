/* Frees a block twice, from two functions. */
#include <stdlib.h>

static void close_session(char *session) {
    free(session);
}

static void close_all(char *session) {
    free(session);
}

int main(void) {
    char *session = malloc(56);
    close_session(session);
    close_all(session);
    return 0;
}

/* Writes into a block that it has freed. */
#include <stdlib.h>

struct session {
    int number, is_open;
    char name[48];
};

static void end(struct session *session) {
    free(session);
}

int main(void) {
    struct session *session = calloc(1, sizeof *session);
    end(session);
    session->is_open = 1;
    return 0;
}

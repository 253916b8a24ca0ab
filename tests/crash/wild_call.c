/* Calls a function through a pointer that nobody has set. */
#include <stdlib.h>

struct actions {
    void (*start)(void);
};

static void run(const struct actions *actions) {
    actions->start();
}

int main(void) {
    struct actions *actions = calloc(1, sizeof *actions);
    run(actions);
    free(actions);
    return 0;
}

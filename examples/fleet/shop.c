/* Opens sessions and ends them. From release 1.1 on, a session that timed out is freed twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    char *cart;
};

static struct session *open_session(const char *goods) {
    struct session *session = malloc(sizeof *session);
    session->cart = strdup(goods);
    return session;
}

static void close_session(struct session *session) {
    free(session->cart);
    free(session);
}

static void time_out(struct session *session) {
#if RELEASE > 100
    free(session->cart); /* close_session does it, too */
#endif
    close_session(session);
}

int main(void) {
    printf("shop, release %d.%d\n", RELEASE / 100, RELEASE / 10 % 10);
    close_session(open_session("apples"));
    time_out(open_session("pears"));
    return 0;
}

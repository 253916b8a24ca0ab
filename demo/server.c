/* A little server loop with one bug: a session's time-out is armed twice. The first closes the
 * session. Its address goes to a header, then to a reply. The second closes the session again,
 * which by now frees the reply. The reply is whole and in use, and its owner's free is reported as
 * a "double free", though the owner did nothing wrong. */
#define _GNU_SOURCE 1 /* pthread_setname_np */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    char user[40];
    int descriptor, requests;
    struct session *next;
};

struct reply {
    char status[48];
    size_t length;
};

static struct session *due[8]; /* time-outs, in the order in which they fire */
static int due_head, due_tail;

static void arm_timeout(struct session *session) {
    due[due_tail++ % 8] = session;
}

static struct session *session_new(const char *user) {
    struct session *session = malloc(sizeof *session);
    snprintf(session->user, sizeof session->user, "%s", user);
    arm_timeout(session);
    return session;
}

static void session_keep_alive(struct session *session) {
    session->requests++;
    arm_timeout(session); /* the bug: the time-out that is already armed stays armed */
}

static void session_close(struct session *session) {
    free(session);
}

static void fire_timeout(void) {
    session_close(due[due_head++ % 8]);
}

static char *header_parse(const char *line) {
    char *header = malloc(52);
    snprintf(header, 52, "%s", line);
    return header;
}

static void header_done(char *header) {
    free(header);
}

static struct reply *reply_new(const char *status) {
    struct reply *reply = malloc(sizeof *reply);
    snprintf(reply->status, sizeof reply->status, "%s", status);
    reply->length = 0;
    return reply;
}

static void reply_done(struct reply *reply) {
    free(reply);
}

/* Bodies go through the server all the time; they are much larger than a session. */
static void serve_bodies(int count) {
    for (int i = 0; i < count; i++) {
        char *body = malloc(600 + (size_t)(i % 300));
        memset(body, 'x', 600);
        free(body);
    }
}

static void *io_loop(void *unused) {
    pthread_setname_np(pthread_self(), "io");
    struct session *session = session_new("ada");
    struct reply *reply = NULL;
    printf("session of ada: %p\n", (void *)session);
    session_keep_alive(session);
    for (int second = 1; second <= 10; second++) {
        serve_bodies(1000);
        if (second == 3 || second == 8)
            fire_timeout();
        if (second == 4)
            header_done(header_parse("GET /answer HTTP/1.1"));
        if (second == 6)
            reply = reply_new("200 OK");
        if (second == 9)
            reply_done(reply);
    }
    return unused;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    pthread_t io;
    pthread_create(&io, NULL, io_loop, NULL);
    pthread_join(io, NULL);
    return 0;
}

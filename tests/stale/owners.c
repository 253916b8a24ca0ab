/* Programs in which a block is freed twice, or written by an old owner: argv[1] says which.
 *
 * Each prints the address in question. Only `stale` has a guilty owner that the capture can prove;
 * in the others `why` must accuse nobody (tests/stale/owners.sh). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline))

struct session {
    char user[56];
};
struct reply {
    char status[52];
};

static APART struct session *session_new(void) {
    return calloc(1, sizeof(struct session));
}
static APART void session_close(struct session *session) {
    free(session);
}
static APART struct reply *reply_new(void) {
    return calloc(1, sizeof(struct reply));
}
static APART void reply_done(struct reply *reply) {
    free(reply);
}
static APART void object_destroy(void *object) {
    free(object);
}

/* The address of a session, which ends in the way `close` says, comes back as a reply. */
static struct reply *recycle(struct session *session) {
    struct reply *reply = reply_new();
    printf("%p\n", (void *)session);
    if ((void *)reply != (void *)session) {
        fputs("the address was not recycled\n", stderr);
        exit(3);
    }
    return reply;
}

/* The old owner closes its session twice, from the same place; the second time it is a reply. */
static void stale(void) {
    struct session *session = session_new();
    struct reply *reply = NULL;
    for (int i = 0; i < 2; i++) {
        session_close(session);
        if (i == 0)
            reply = recycle(session);
    }
    reply_done(reply);
}

/* The present owner frees its reply twice; the session before it ended well. */
static void present_owner_twice(void) {
    struct session *session = session_new();
    session_close(session);
    struct reply *reply = recycle(session);
    for (int i = 0; i < 2; i++)
        reply_done(reply);
}

/* One destructor, called from one place, serves sessions and replies; then the last reply ends
 * twice. */
static void one_destructor(void) {
    void *object[3];
    for (int i = 0; i < 3; i++) {
        object[i] = i == 1 ? (void *)session_new() : (void *)reply_new();
        object_destroy(object[i]);
    }
    printf("%p\n", object[2]);
    if (object[2] != object[1])
        exit(3);
    reply_done(object[2]);
}

static void *handed[8];
static int handed_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void *consume(void *unused) {
    for (;;) {
        pthread_mutex_lock(&lock);
        while (handed_count == 0)
            pthread_cond_wait(&changed, &lock);
        void *object = handed[0];
        if (object)
            object_destroy(object);
        handed_count = 0;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
        if (!object)
            return unused;
    }
}

static void hand_over(void *object) {
    pthread_mutex_lock(&lock);
    handed[0] = object;
    handed_count = 1;
    pthread_cond_signal(&changed);
    while (handed_count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* A consumer thread frees whatever it is handed; the producer then frees a reply once more. */
static void consumer(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, consume, NULL);
    struct session *session = session_new();
    struct reply *reply = reply_new();
    printf("%p\n", (void *)reply);
    hand_over(session);
    hand_over(reply);
    /* More replies go the same way, until one has the address of the first. */
    for (int i = 0; i < 1000000; i++) {
        struct reply *next = reply_new();
        if (i > 0 && next == reply)
            break;
        hand_over(next);
    }
    hand_over(reply);
    reply_done(reply);
    hand_over(NULL);
    pthread_join(thread, NULL);
}

/* One call of one destructor ends a session, then a reply, and the reply again. */
static void one_place_twice(void) {
    void *object = session_new();
    for (int i = 0; i < 3; i++) {
        object_destroy(object);
        if (i == 0)
            object = recycle(object);
    }
}

/* The old owner writes through its pointer into the last bytes of what is a smaller reply by now.
 */
static void only_writes(void) {
    struct session *session = session_new();
    session_close(session);
    struct reply *reply = recycle(session);
    char *volatile late = (char *)session;
    memset(late + sizeof(struct reply), '!', sizeof(struct session) - sizeof(struct reply));
    reply_done(reply);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {{"stale", stale},
                {"present-owner-twice", present_owner_twice},
                {"one-destructor", one_destructor},
                {"consumer", consumer},
                {"one-place-twice", one_place_twice},
                {"only-writes", only_writes}};
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc == 2 && strcmp(argv[1], ways[i].name) == 0) {
            ways[i].run();
            return 0;
        }
    fputs("usage: owners stale|present-owner-twice|one-destructor|consumer|one-place-twice|"
          "only-writes\n",
          stderr);
    return 2;
}

/* Does what each line of its input says, and says so: `take NAME BYTES` allocates and keeps a
 * block, in a function for each first letter of NAME; `resize NAME BYTES`; `give NAME` frees it;
 * `lose NAME` forgets the pointer; `overrun NAME` writes the byte behind it; `churn N` allocates
 * and frees N blocks, `burst N` N at a time; `mark NAME`; `fork` has a child go on with the input;
 * `spin` starts a thread that runs and allocates nothing; `leave` ends the first thread, and
 * another one goes on. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hakmem.h"

enum { NAMES = 26 };

static char *volatile block[NAMES];
static size_t bytes_of[NAMES];

static __attribute__((noinline)) void *take_early(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}
static __attribute__((noinline)) void *take_late(size_t bytes) {
    return memset(malloc(bytes), 2, bytes);
}

static volatile int spins = 1;

static void *spin(void *unused) {
    while (spins)
        continue;
    return unused;
}

/* A dead frame or register that still points to a lost block would keep it. */
static __attribute__((noinline)) void clean(void) {
    volatile char room[4096];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}

static void churn(long count) {
    for (long i = 0; i < count; i++) {
        char *volatile one = malloc(24 + (size_t)i % 300);
        one[0] = 1;
        free(one);
    }
}

/* Takes `count` blocks and then frees them: more than a thread's caches hold. */
static void burst(long count) {
    static void *volatile all[10000];
    for (long i = 0; i < count && i < 10000; i++)
        all[i] = malloc(200);
    for (long i = 0; i < count && i < 10000; i++)
        free(all[i]);
}

static void say(const char *line) {
    char text[300];
    int length = snprintf(text, sizeof text, "%d %s\n", (int)getpid(), line);
    if (write(1, text, (size_t)length) != length)
        _exit(9);
}

static void obey(const char *word, const char *name, size_t bytes) {
    unsigned at = (unsigned)(name[0] - 'a') % NAMES;
    if (strcmp(word, "take") == 0) {
        block[at] = name[0] < 'n' ? take_early(bytes) : take_late(bytes);
        bytes_of[at] = bytes;
    } else if (strcmp(word, "resize") == 0) {
        block[at] = realloc(block[at], bytes);
        bytes_of[at] = bytes;
    } else if (strcmp(word, "give") == 0) {
        free(block[at]);
    } else if (strcmp(word, "lose") == 0) {
        block[at] = NULL;
    } else if (strcmp(word, "overrun") == 0) {
        block[at][bytes_of[at]] ^= 1;
    } else if (strcmp(word, "churn") == 0) {
        churn(atol(name));
    } else if (strcmp(word, "burst") == 0) {
        burst(atol(name));
    } else if (strcmp(word, "mark") == 0) {
        if (hak_mark)
            hak_mark(name);
    } else if (strcmp(word, "spin") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, spin, NULL) != 0)
            _exit(8);
    }
}

/* By read: stdio would have a block of its own, and read ahead of a fork. */
static int next_line(char *line, size_t room) {
    size_t length = 0;
    while (length + 1 < room && read(0, line + length, 1) == 1)
        if (line[length++] == '\n') {
            line[length - 1] = '\0';
            return 1;
        }
    return 0;
}

static int obey_all(void);

static void *go_on(void *first) {
    pthread_join(*(pthread_t *)first, NULL);
    say("leave a (nil)");
    exit(obey_all());
}

/* Each thread that goes on waits for the end of the one before. */
static void leave(void) {
    static pthread_t first;
    pthread_t next;
    first = pthread_self();
    if (pthread_create(&next, NULL, go_on, &first) != 0)
        _exit(8);
    pthread_exit(NULL);
}

static int obey_all(void) {
    char line[256];
    while (next_line(line, sizeof line)) {
        char word[32] = "", name[200] = "a", told[300];
        unsigned long bytes = 40;
        if (sscanf(line, "%31s %199s %lu", word, name, &bytes) < 1)
            continue;
        if (strcmp(word, "fork") == 0) {
            int status = 0;
            pid_t child = fork();
            if (child > 0) {
                waitpid(child, &status, 0);
                return WIFEXITED(status) ? WEXITSTATUS(status) : 7;
            }
        } else if (strcmp(word, "leave") == 0) {
            leave();
        } else {
            obey(word, name, bytes);
        }
        clean();
        snprintf(told, sizeof told, "%s %s %p", word, name,
                 (void *)block[(unsigned)(name[0] - 'a') % NAMES]);
        say(told);
    }
    return 0;
}

int main(void) {
    return obey_all();
}

/* Ends a program in one of the ways that there are, with calls of the allocator at every moment:
 * `ends HOW`, HOW one of return, exit, thread_exit, main_pthread_exit, _exit, quick_exit, abort,
 * destructors.
 *
 * Blocks live across the end; handlers of atexit and destructors of the program allocate and free,
 * and free what was taken before. Errors are said on stderr, with status 9. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *kept[200];
static atomic_bool stop;

static void check_kept(const char *when) {
    for (unsigned i = 0; i < 200; i++)
        if (kept[i] && kept[i][i] != (char)i) {
            fprintf(stderr, "ends: a block changed, seen %s\n", when);
            _exit(9);
        }
}

static void use(const char *when) {
    check_kept(when);
    for (unsigned i = 0; i < 300; i++) {
        char *block = malloc(i * 37 % 50000 + 1);
        char *more = realloc(block, i * 61 % 70000 + 1);
        if (!more) {
            fprintf(stderr, "ends: no memory %s\n", when);
            _exit(9);
        }
        free(more);
    }
}

static void replace_some(const char *when, unsigned first) {
    for (unsigned i = first; i < 200; i += 4) {
        free(kept[i]);
        kept[i] = malloc(i + 1 + first * 1000);
        kept[i][i] = (char)i;
    }
    use(when);
}

static void at_exit_first(void) {
    replace_some("in the handler that was registered first", 0);
}
static void at_exit_last(void) {
    replace_some("in the handler that was registered last", 1);
}
static void at_quick_exit_handler(void) {
    replace_some("in a handler of quick_exit", 2);
}
__attribute__((destructor)) static void destroy(void) {
    replace_some("in a destructor", 3);
}
__attribute__((destructor(101))) static void destroy_last(void) {
    replace_some("in the last destructor", 0);
}

static void *allocate_until_the_end(void *seed) {
    unsigned state = (unsigned)(size_t)seed;
    while (!stop) {
        state = state * 1103515245 + 12345;
        free(malloc(state >> 16 & 0x7fff));
    }
    return NULL;
}

static void *exit_from_here(void *unused) {
    use("in a thread");
    exit(4);
    return unused;
}

static pthread_key_t key;

static void end_of_thread(void *value) {
    free(value);
    use("in a destructor of thread data");
    static _Thread_local int rounds;
    if (++rounds < 4) /* PTHREAD_DESTRUCTOR_ITERATIONS */
        pthread_setspecific(key, malloc(77));
}

static void *set_key(void *unused) {
    pthread_setspecific(key, malloc(50));
    return unused;
}

static void *outlive_main(void *main_thread) {
    pthread_join(*(pthread_t *)main_thread, NULL);
    use("after the main thread's end");
    exit(6);
}

int main(int argc, char **argv) {
    static pthread_t threads[4], main_thread;
    const char *how = argc == 2 ? argv[1] : "";
    for (unsigned i = 0; i < 200; i++) {
        kept[i] = malloc(i + 1);
        kept[i][i] = (char)i;
    }
    atexit(at_exit_first);
    atexit(at_exit_last);
    at_quick_exit(at_quick_exit_handler);
    pthread_key_create(&key, end_of_thread);
    if (strcmp(how, "return") == 0)
        return 3;
    for (size_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, allocate_until_the_end, (void *)(i + 1));
    if (strcmp(how, "exit") == 0)
        exit(5);
    if (strcmp(how, "thread_exit") == 0) {
        pthread_create(&threads[3], NULL, exit_from_here, NULL);
        pthread_join(threads[3], NULL);
    }
    if (strcmp(how, "main_pthread_exit") == 0) {
        main_thread = pthread_self();
        pthread_create(&threads[3], NULL, outlive_main, &main_thread);
        pthread_setspecific(key, malloc(10));
        pthread_exit(NULL);
    }
    if (strcmp(how, "_exit") == 0)
        _exit(7);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(8);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "destructors") == 0) {
        pthread_create(&threads[3], NULL, set_key, NULL);
        pthread_join(threads[3], NULL);
        stop = true;
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        return 2;
    }
    return 1;
}

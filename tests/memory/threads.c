/* Threads that come and go: `threads HOW COUNT`, HOW one of join, detach, exit, cancel, key.
 *
 * Each allocates, gives some blocks to the next ones to free after its death, and ends: by return,
 * detached, by pthread_exit, cancelled, or with destructors of thread data that allocate and free
 * in every round. Memory and mappings must be as flat at the end as after half of them. Prints
 * "flat", or what grew. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { at_once = 8, blocks = 40, left_max = 64 };

extern int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *library);
extern void *__dso_handle;

static const char *how;
static _Atomic(char *) left[left_max];
static sem_t ended;
static pthread_barrier_t all_have_heaps;
static pthread_key_t keys[3];
static _Atomic long destroyed;

static void leave(char *block, unsigned place) {
    char *before = atomic_exchange(&left[place % left_max], block);
    if (before && before[0] != before[1])
        abort();
    free(before);
}

/* Runs in each round of destructors, and once more after all thread data is gone. */
static void destroy(void *value) {
    char *copy = strdup(value);
    free(value);
    destroyed++;
    if (!copy || strlen(copy) == 0)
        abort();
    if (copy[1] == 0) {
        free(copy);
        return;
    }
    copy[strlen(copy) - 1] = 0;
    pthread_setspecific(keys[destroyed % 3], copy);
}

static void destroy_thread_local(void *object) {
    free(object);
    free(malloc(3000));
    destroyed++;
}

static void *work(void *argument) {
    unsigned number = (unsigned)(size_t)argument;
    char *mine[blocks];
    for (unsigned i = 0; i < blocks; i++) {
        size_t bytes = 2 + (number * 31 + i * 97) % (i % 8 == 0 ? 40000 : 700);
        mine[i] = malloc(bytes);
        if (!mine[i])
            abort();
        memset(mine[i], (int)i, bytes);
    }
    pthread_barrier_wait(&all_have_heaps); /* as many heaps in the first wave as ever */
    for (unsigned i = 0; i < blocks; i++)
        if (i % 5 == 0)
            leave(mine[i], number + i);
        else
            free(mine[i]);
    if (strcmp(how, "key") == 0) {
        for (int i = 0; i < 3; i++)
            pthread_setspecific(keys[i], strdup("round"));
        __cxa_thread_atexit_impl(destroy_thread_local, malloc(99), __dso_handle);
    }
    if (strcmp(how, "detach") == 0)
        sem_post(&ended);
    if (strcmp(how, "exit") == 0)
        pthread_exit(NULL);
    if (strcmp(how, "cancel") == 0) {
        sem_post(&ended);
        for (;;) {
            free(malloc(number % 500));
            usleep(100); /* may be cancelled here */
        }
    }
    return NULL;
}

/* KiB of memory of its own, and how many mappings. */
static void measure(long *kib, long *mappings) {
    char line[4096];
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    *kib = *mappings = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Anonymous: %ld", kib) == 1)
            break;
    if (file)
        fclose(file);
    file = fopen("/proc/self/maps", "r");
    while (file && fgets(line, sizeof line, file))
        ++*mappings;
    if (file)
        fclose(file);
}

static void run(unsigned from, unsigned to) {
    pthread_t ids[at_once];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int detach = strcmp(how, "detach") == 0, cancel = strcmp(how, "cancel") == 0;
    pthread_attr_setdetachstate(&attributes,
                                detach ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
    for (unsigned at = from; at < to; at += at_once) {
        for (unsigned i = 0; i < at_once; i++)
            if (pthread_create(&ids[i], &attributes, work, (void *)(size_t)(at + i)) != 0)
                abort();
        for (unsigned i = 0; i < at_once; i++) {
            if (detach || cancel)
                sem_wait(&ended);
            if (cancel)
                pthread_cancel(ids[i]);
        }
        for (unsigned i = 0; i < at_once && !detach; i++)
            pthread_join(ids[i], NULL);
    }
    /* Detached ones are not waited for; two of these are enough. */
    if (detach)
        usleep(200000);
}

int main(int argc, char **argv) {
    long kib[2], mappings[2];
    if (argc != 3)
        return 2;
    how = argv[1];
    unsigned count = (unsigned)atoi(argv[2]);
    sem_init(&ended, 0, 0);
    pthread_barrier_init(&all_have_heaps, NULL, at_once);
    for (int i = 0; i < 3; i++)
        pthread_key_create(&keys[i], destroy);
    run(0, count / 2);
    measure(&kib[0], &mappings[0]);
    run(count / 2, count);
    measure(&kib[1], &mappings[1]);
    for (unsigned i = 0; i < left_max; i++)
        leave(NULL, i);
    if (strcmp(how, "key") == 0 && destroyed < (long)count * 4) {
        printf("only %ld destructors ran\n", destroyed);
        return 1;
    }
    /* The slabs that the heaps of a wave use are chance, and so are their closed pages; of 10,000
     * threads, 5 KiB left by each would be seen, and a mapping by every second one. */
    if (kib[1] > kib[0] + 16384 + (long)count / 2 ||
        mappings[1] > mappings[0] + 24 + (long)count / 5) {
        printf("%s: from %ld to %ld KiB, from %ld to %ld mappings\n", how, kib[0], kib[1],
               mappings[0], mappings[1]);
        return 1;
    }
    puts("flat");
    return 0;
}

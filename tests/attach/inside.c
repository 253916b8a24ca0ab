/* Loads hakmem-attach.so by itself, and begins and ends recordings as hakmem-trace does from
 * outside, while threads allocate, come and go, fork, and a library is loaded. Says at the end
 * where its imports lead.
 *
 *   inside LIBRARY ROUNDS PLUGIN */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../src/entry/attach/shared.h"

enum { WORKERS = 2, CALLS_A_ROUND = 2000 };

static atomic_bool is_over;
static atomic_ulong calls;
static void *(*volatile pointer_to_malloc)(size_t) = malloc;

static void *work(void *unused) {
    enum { BLOCKS = 64 };
    void *block[BLOCKS] = {0};
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        unsigned at = i % BLOCKS;
        free(block[at]);
        block[at] = i % 3 ? malloc(i % 500 + 1) : calloc(1, i % 900 + 1);
        if (i % 7 == 0)
            block[at] = realloc(block[at], i % 2000 + 1);
        memset(block[at], 1, 1);
        atomic_fetch_add(&calls, 1);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(block[i]);
    return unused;
}

static void *be_short(void *unused) {
    free(strdup("short"));
    return unused;
}

static void *come_and_go(void *unused) {
    while (!atomic_load(&is_over)) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, be_short, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return unused;
}

static void *load(void *plugin) {
    while (!atomic_load(&is_over)) {
        void *library = dlopen(plugin, RTLD_NOW);
        if (!library)
            abort();
        dlclose(library);
    }
    return NULL;
}

static void fork_once(void) {
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        for (int i = 0; i < 1000; i++)
            free(malloc(100));
        _exit(7);
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        abort();
}

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found)
        abort();
    return found;
}

/* Else it leads to the program's own PLT, and stays: in one at a fixed place, or where an older
 * linker made it so. */
static bool leads_to_libc(void *(*pointer)(size_t)) {
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    return libc && (void *(*)(size_t))find(libc, "malloc") == pointer;
}

int main(int count, char **arguments) {
    pthread_t thread[WORKERS + 2];
    if (count != 4)
        return 2;
    void *library = dlopen(arguments[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    struct hak_attach_shared *shared = find(library, "hak_attach_shared");
    void (*begin)(void) = (void (*)(void))find(library, "hak_attach_begin");
    void (*scan)(void) = (void (*)(void))find(library, "hak_attach_scan");
    void (*end)(void) = (void (*)(void))find(library, "hak_attach_end");
    void *(*before)(size_t) = pointer_to_malloc;
    bool is_changed = leads_to_libc(before);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    pthread_create(&thread[WORKERS], NULL, come_and_go, NULL);
    pthread_create(&thread[WORKERS + 1], NULL, load, arguments[3]);
    for (int round = atoi(arguments[2]); round > 0; round--) {
        begin();
        if (atomic_load(&shared->state) != HAK_ATTACH_RECORDING) {
            fprintf(stderr, "refused: %s\n", shared->why);
            return 1;
        }
        if (is_changed && pointer_to_malloc == before)
            abort();
        unsigned long seen = atomic_load(&calls);
        while (atomic_load(&calls) < seen + CALLS_A_ROUND)
            sched_yield();
        scan();
        fork_once();
        end();
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < WORKERS + 2; i++)
        pthread_join(thread[i], NULL);
    printf("imports lead to us: %s\n", pointer_to_malloc == before ? "no" : "yes");
    printf("state: %s\n", atomic_load(&shared->state) == HAK_ATTACH_IDLE ? "idle" : "another");
    return 0;
}

/* Loads and unloads two plugins in turns, which come to lie at the same addresses, while other
 * threads allocate: generations ROUNDS PLUGIN PLUGIN. The first asks 1401 bytes, the second 1402.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int stop;

static void *keep_allocating(void *unused) {
    while (!stop) {
        void *volatile block = malloc(40);
        free(block);
    }
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[2];
    uintptr_t place[2] = {0, 0};
    int rounds = atoi(argv[1]), same = 0;
    (void)argc;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, keep_allocating, NULL);
    for (int round = 0; round < 2 * rounds; round++) {
        void *plugin = dlopen(argv[2 + round % 2], RTLD_NOW);
        void (*work)(size_t) = plugin ? (void (*)(size_t))dlsym(plugin, "plugin_work") : NULL;
        if (!work) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        place[round % 2] = (uintptr_t)work & ~(uintptr_t)4095;
        same += place[0] == place[1];
        work(1401 + (size_t)(round % 2));
        dlclose(plugin);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%d\n", same);
    return 0;
}

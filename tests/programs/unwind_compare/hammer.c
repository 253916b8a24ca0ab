/* Threads that allocate, threads that load and unload plugins, and a loop of forks, all at once:
 * nothing may hang or die: hammer ROUNDS PLUGIN PLUGIN. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;
static int rounds;

static void *churn(void *unused) {
    void *block[20];
    (void)unused;
    while (!stop) {
        for (int i = 0; i < 20; i++)
            block[i] = malloc((size_t)i * 10 + 1);
        for (int i = 0; i < 20; i++)
            free(block[i]);
    }
    return NULL;
}

static void *load(void *path) {
    for (int i = 0; i < rounds; i++) {
        void *plugin = dlopen(path, RTLD_NOW);
        if (!plugin)
            abort();
        void (*work)(void) = (void (*)(void))dlsym(plugin, "plugin_work");
        work();
        dlclose(plugin);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread[4];
    if (argc != 4)
        return 2;
    rounds = atoi(argv[1]);
    pthread_create(&thread[0], NULL, churn, NULL);
    pthread_create(&thread[1], NULL, load, argv[2]);
    pthread_create(&thread[2], NULL, load, argv[3]);
    pthread_create(&thread[3], NULL, churn, NULL);
    for (int i = 0; i < rounds; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (int k = 0; k < 50; k++)
                free(malloc((size_t)k));
            _exit(0);
        }
        int status = -1;
        if (waitpid(child, &status, 0) != child || status != 0) {
            fprintf(stderr, "child %d ended with status %#x\n", i, status);
            return 1;
        }
    }
    pthread_join(thread[1], NULL);
    pthread_join(thread[2], NULL);
    stop = 1;
    pthread_join(thread[0], NULL);
    pthread_join(thread[3], NULL);
    return 0;
}

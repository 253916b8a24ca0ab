/* Starts 10,000 threads one after the other, in groups that live at once, and tells how many
 * mappings it has. Every second thread never allocates. With an argument: that many threads at
 * once. Run by threads.sh. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { GROUP = 20, GROUPS = 500 };

static int count_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    int lines = 0;
    for (int c; (c = getc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

static void *work(void *which) {
    if (which)
        free(malloc(100));
    return NULL;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *unused) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

/* Tells how many mappings there are while `count` threads live at once. */
static int live_at_once(int count) {
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16 << 10);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], &small, wait_at_gate, NULL) != 0)
            return 1;
    printf("%d\n", count_mappings());
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return 0;
}

int main(int arguments, char **argument) {
    if (arguments > 1)
        return live_at_once(atoi(argument[1]));
    for (int group = 1; group <= GROUPS; group++) {
        pthread_t threads[GROUP];
        for (long i = 0; i < GROUP; i++)
            if (pthread_create(&threads[i], NULL, work, i % 2 ? threads : NULL) != 0)
                return 1;
        for (int i = 0; i < GROUP; i++)
            pthread_join(threads[i], NULL);
        if (group == 20 || group == GROUPS)
            printf("%d\n", count_mappings());
    }
    return 0;
}

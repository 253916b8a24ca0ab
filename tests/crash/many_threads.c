/* Starts 10,000 threads one after the other, in groups that live at once, and tells how many
 * mappings it has. Every second thread never allocates. Run by threads.sh. */
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

int main(void) {
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

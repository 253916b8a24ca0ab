/* Prints how many mappings each of THREADS threads adds that has allocated a little and waits, in
 * hundredths. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { THREADS = 400, BLOCKS = 10 };
static sem_t has_allocated, may_end;

static void *run(void *unused) {
    char *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(20 + i * 30);
        memset(block[i], 1, 20);
    }
    sem_post(&has_allocated);
    sem_wait(&may_end);
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    return unused;
}

static int count_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0, byte;
    while (maps && (byte = getc(maps)) != EOF)
        count += byte == '\n';
    if (maps)
        fclose(maps);
    return count;
}

int main(void) {
    pthread_t thread[THREADS];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    sem_init(&has_allocated, 0, 0);
    sem_init(&may_end, 0, 0);
    int before = count_mappings();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], &small, run, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        sem_wait(&has_allocated);
    int after = count_mappings();
    for (int i = 0; i < THREADS; i++)
        sem_post(&may_end);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    printf("%d\n", (after - before) * 100 / THREADS);
    return 0;
}

/* Blocks of all sizes that are freed, wait, and serve again, in threads, in a child, resized and
 * aligned, with their contents looked at: nothing is wrong. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { blocks = 300, rounds = 40 };

static void fill(unsigned char *block, size_t bytes, unsigned seed) {
    for (size_t i = 0; i < bytes; i++)
        block[i] = (unsigned char)(seed + i);
}

static void look(const unsigned char *block, size_t bytes, unsigned seed) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != (unsigned char)(seed + i))
            abort();
}

static size_t bytes_of(unsigned i, unsigned round) {
    unsigned n = i * 2654435761u + round * 40503u;
    return 1 + (i % 50 == 0 ? n % 200000 : i % 7 == 0 ? n % 9000 : n % 300);
}

static void *work(void *unused) {
    unsigned char *block[blocks] = {0};
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < blocks; i++) {
            size_t before = round ? bytes_of(i, round - 1) : 0, bytes = bytes_of(i, round);
            if (block[i])
                look(block[i], before, i + round - 1);
            if ((i + round) % 5 == 0) {
                block[i] = realloc(block[i], bytes);
                look(block[i], before < bytes ? before : bytes, i + round - 1);
            } else {
                free(block[i]);
                block[i] = (i + round) % 11 == 0 ? aligned_alloc(64, bytes) : calloc(1, bytes);
                if ((i + round) % 11 != 0 && block[i][bytes - 1] != 0)
                    abort();
            }
            fill(block[i], bytes, i + round);
        }
    for (unsigned i = 0; i < blocks; i++)
        free(block[i]);
    return unused;
}

int main(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    work(NULL);
    pid_t child = fork();
    if (child == 0) {
        work(NULL);
        exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    return status != 0;
}

/* Damages a block and ends with output that is still in the buffers of its streams: MODE, one of
 *
 *     exit    by exit, with a second stream that writes into the file "second"
 *     quick   by quick_exit, which leaves streams as they are
 *     input   by exit, while another thread waits in a read of stdin and so holds that stream
 *     held    by exit, while another thread holds stdout */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { lines = 300 };

static pthread_barrier_t barrier;

static void *read_input(void *unused) {
    flockfile(stdin);
    pthread_barrier_wait(&barrier);
    (void)getc_unlocked(stdin);
    return unused;
}

static void *hold_output(void *unused) {
    flockfile(stdout);
    pthread_barrier_wait(&barrier);
    pause();
    return unused;
}

static void start(void *(*function)(void *)) {
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, function, NULL);
    pthread_barrier_wait(&barrier);
}

int main(int count, char **word) {
    const char *mode = count > 1 ? word[1] : "exit";
    FILE *second = strcmp(mode, "exit") == 0 ? fopen("second", "w") : NULL;
    char *volatile block = malloc(24);
    for (int i = 1; i <= lines; i++) {
        printf("line %d\n", i);
        if (second)
            fprintf(second, "line %d\n", i);
    }
    if (strcmp(mode, "input") == 0)
        start(read_input);
    else if (strcmp(mode, "held") == 0)
        start(hold_output);
    block[24] = 1; /* up to 4 bytes: the block may be a guarded one */
    if (strcmp(mode, "quick") == 0)
        quick_exit(0);
    return 0;
}

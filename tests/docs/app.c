/* The program that the pages record: `app wait` works on at its end until stdin has
 * something, `app crash` writes over its own code, an argument with a dash makes it end well,
 * any other has two blocks freed twice; by the name `tests` it has one, and nothing is lost. */
#include "hakmem.h"
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, CELLS = 200 };

static void *rows[ROWS];

static void *parse_row(size_t bytes) {
    char *row = malloc(bytes);
    if (row)
        memset(row, 'r', bytes);
    return row;
}

static void *worker(void *unused) {
    for (int i = 0; i < ROWS; i++)
        free(parse_row(40));
    return unused;
}

static void mark(const char *name) {
    if (hak_mark)
        hak_mark(name);
}

int main(int count, char **arguments) {
    const char *first = count > 1 ? arguments[1] : "";
    bool is_tests = strstr(arguments[0], "/tests") != NULL;
    pthread_t thread;
    for (int i = 0; i < ROWS; i++)
        rows[i] = parse_row(16 + (size_t)i % 500);
    mark("loaded");
    if (pthread_create(&thread, NULL, worker, NULL) == 0)
        pthread_join(thread, NULL);
    mark("before-reload");
    for (int i = CELLS; i < ROWS; i++)
        free(rows[i]);
    void *volatile lost = is_tests ? NULL : parse_row(100);
    lost = NULL;
    (void)lost;
    puts("ready");
    fflush(stdout);
    if (strcmp(first, "wait") == 0) {
        struct pollfd input = {.fd = 0, .events = POLLIN};
        while (poll(&input, 1, 20) == 0)
            for (int i = 0; i < 20; i++)
                free(parse_row(24));
        return 0;
    }
    if (strcmp(first, "crash") == 0)
        *(volatile char *)(uintptr_t)main = 1; // code, which nobody may write
    if (first[0] == '-')
        return 0;
    void *volatile again = rows[0];
    free(rows[0]);
    free(again);
    if (is_tests)
        return 0;
    again = rows[1];
    free(rows[1]);
    free(again);
    return 0;
}

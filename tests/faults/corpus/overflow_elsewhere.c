/* Overflows in callbacks, signal handlers, child processes, and those that realloc meets first. */
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shapes.h"

static char *log_text;

static int compare(const void *left, const void *right) {
    strcat(log_text, "c");
    return *(const int *)left - *(const int *)right;
}

SHAPE(in_callback) {
    int number[] = {5, 2, 9, 1, 7, 3, 8};
    log_text = opaque(calloc(1, 8));
    qsort(number, 7, sizeof *number, compare);
    free(log_text);
}

static void write_in_handler(int signal_number) {
    log_text[51] = (char)signal_number;
}

SHAPE(in_signal_handler) {
    log_text = opaque(malloc(51));
    signal(SIGUSR1, write_in_handler);
    raise(SIGUSR1);
    free(log_text);
}

SHAPE(in_child) {
    log_text = opaque(malloc(52));
    pid_t child = fork();
    if (child == 0) {
        log_text[52] = 'c';
        free(log_text);
        exit(0);
    }
    waitpid(child, NULL, 0);
    free(log_text);
}

SHAPE(before_fork_found_by_child) {
    log_text = opaque(malloc(53));
    log_text[53] = 'c';
    pid_t child = fork();
    if (child == 0) {
        free(log_text);
        exit(0);
    }
    waitpid(child, NULL, 0);
    _exit(0);
}

SHAPE(found_by_realloc) {
    char *text = opaque(malloc(54));
    text[54] = 'r';
    free(realloc(text, 5000));
}

SHAPE(found_by_shrinking) {
    char *text = opaque(malloc(55));
    text[55] = 'r';
    free(realloc(text, 20));
}

SHAPE(after_shrinking_old_size_used) {
    char *text = opaque(malloc(400));
    text = opaque(realloc(text, 100));
    memset(text, 'o', 400);
    free(text);
}

SHAPE(behind_usable_size) {
    char *text = opaque(malloc(56));
    text[malloc_usable_size(text)] = 'u';
    free(text);
}

static int spoil_at_end;

SHAPE(in_destructor) {
    log_text = opaque(malloc(58));
    spoil_at_end = 1;
}

__attribute__((destructor)) static void end(void) {
    if (spoil_at_end)
        log_text[58] = 'd';
}

/* Two of three neighbours are spoilt by one copy that began in the first. */
SHAPE(over_neighbours) {
    char *first = opaque(malloc(200)), *second = opaque(malloc(200)), *third = opaque(malloc(200));
    memset(first, 'n', 600);
    free(first);
    free(second);
    free(third);
}

RUN_ONE()

/* A server that forks: children inherit a table, free some of it, allocate short-lived and lasting
 * blocks, one executes another program, one dies of a signal, one forks again, and the parent goes
 * on changing the table between the forks. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TABLE = 900, CHILDREN = 9 };
static char *table[TABLE];
static void *volatile sink;

static char *make_row(int i) {
    size_t bytes = 40 + (size_t)(i % 17) * 8;
    char *row = malloc(bytes);
    return memset(row, i, bytes);
}

static void answer(int child) {
    for (int i = 0; i < 200; i++) {
        sink = malloc(64 + (size_t)child);
        free(sink);
        char *one = malloc(32), *other = malloc(48);
        sink = one;
        free(other);
        free(one);
    }
    for (int i = 0; i < 50 * child; i++) {
        free(table[i]);
        table[i] = NULL;
    }
    sink = malloc((size_t)child * 3000);
}

static void serve(int child) {
    answer(child);
    if (child == 3)
        execl("/bin/echo", "echo", "served", (char *)NULL);
    if (child == 5)
        raise(SIGKILL);
    if (child == 7) {
        pid_t grandchild = fork();
        answer(2);
        if (grandchild > 0)
            waitpid(grandchild, NULL, 0);
    }
    if (child == 8)
        _exit(0);
    exit(0);
}

int main(void) {
    for (int i = 0; i < TABLE; i++)
        table[i] = make_row(i);
    for (int child = 1; child <= CHILDREN; child++) {
        pid_t pid = fork();
        if (pid == 0)
            serve(child);
        table[child * 7] = realloc(table[child * 7], (size_t)child * 500);
        free(table[child * 11]);
        table[child * 11] = make_row(child);
        if (child % 4 == 0)
            waitpid(pid, NULL, 0);
    }
    while (wait(NULL) > 0)
        continue;
    for (int i = 0; i < TABLE / 2; i++)
        free(table[i]);
    return 0;
}

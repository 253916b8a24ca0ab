/* Calls back from qsort, calls itself, allocates on two lines of one function and by a wrapper, and
 * leaves a stream open, whose buffer is stdio's own. Nothing is freed before the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN __attribute__((noinline, noipa))
enum { NUMBERS = 12 };
static void *volatile sink;

OWN static void *xmalloc(size_t bytes) {
    void *block = malloc(bytes);
    if (!block)
        abort();
    return memset(block, 1, bytes);
}

OWN static void note(size_t bytes) {
    sink = xmalloc(bytes);
}

OWN static int compare(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    note(200);
    return x < y ? -1 : x > y;
}

OWN static void descend(int depth) {
    sink = malloc(1000 + (size_t)depth);
    if (depth)
        descend(depth - 1);
    note(50);
}

OWN static void pair(void) {
    sink = malloc(3000);
    sink = malloc(5000);
}

int main(void) {
    int number[NUMBERS];
    for (int i = 0; i < NUMBERS; i++)
        number[i] = i * 7 % NUMBERS;
    FILE *stream = fopen("/dev/null", "w");
    if (!stream)
        return 1;
    fputs("words", stream);
    qsort(number, NUMBERS, sizeof *number, compare);
    descend(5);
    pair();
    note(40);
    return fflush(stream);
}

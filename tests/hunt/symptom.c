/* Fills 15 of 14 bytes, and measures the text by strlen, which reads on into what was overwritten.
 * With -DNEWER another build: other lines, another block from the same function. Argument "well":
 * only 14. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static char *make(size_t bytes) {
    return malloc(bytes);
}

__attribute__((noinline)) static void fill(volatile char *to, int count) {
    for (int i = 0; i < count; i++)
        to[i] = 'a'; /* the writer */
    if (count < 15)
        to[count - 1] = '\0';
}

#ifdef NEWER
static int newer = 1;
#endif

__attribute__((noinline)) static size_t measure(const char *text) {
    return strlen(text); /* the victim */
}

int main(int argc, char **argv) {
#ifdef NEWER
    free(make(3 + (size_t)newer));
#endif
    char *name = make(14);
    fill(name, argc > 1 && strcmp(argv[1], "well") == 0 ? 14 : 15);
    printf("%d\n", measure(name) > 13);
    free(name);
    return 0;
}

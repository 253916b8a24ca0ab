/* Fills 15 of 14 bytes, and measures the text by strlen, which reads on into what was overwritten.
 * With -DNEWER another build: other lines, another block from the same function. Argument "well":
 * only 14; "too-far", "within": memset follows, of 15 or 14 bytes; "twice": two other faults. */
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

__attribute__((noinline)) static void clear(char *text, size_t bytes) {
    memset(text, 0, bytes); /* the victim */
}

/* Reads behind a block, and gives another one back twice. */
__attribute__((noinline)) static int err_twice(void) {
    char *volatile read = make(16), *volatile freed = make(5);
    int found = read[16]; /* the first */
    free(freed);
    free(freed); /* the second */
    return found;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "twice") == 0)
        return err_twice();
#ifdef NEWER
    free(make(3 + (size_t)newer));
#endif
    char *name = make(14);
    fill(name, strcmp(how, "well") == 0 ? 14 : 15);
    if (how[0] == 't' || (how[0] == 'w' && how[1] == 'i'))
        clear(name, how[0] == 't' ? 15 : 14);
    else
        printf("%d\n", measure(name) > 13);
    free(name);
    return 0;
}

/* Allocates before and in every moment of the start: in DT_PREINIT_ARRAY, in
 * constructors of every priority, in a library's (starts.sh makes it); frees it all in main, and
 * there looks at it. Prints one line. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { moments = 3, sizes = 6 };

static const size_t bytes_of[sizes] = {1, 24, 700, 5000, 33000, 400000};
static char *blocks[moments][sizes];

static void take(int moment) {
    for (int i = 0; i < sizes; i++) {
        blocks[moment][i] = malloc(bytes_of[i]);
        if (blocks[moment][i])
            for (size_t at = 0; at < bytes_of[i]; at++) /* memset may not be there yet */
                ((volatile char *)blocks[moment][i])[at] = (char)(moment + i);
    }
}

static void preinit(void) {
    take(0);
}
__attribute__((section(".preinit_array"), used)) static void (*preinit_entry)(void) = preinit;

__attribute__((constructor(101))) static void construct_first(void) {
    take(1);
}
__attribute__((constructor)) static void construct(void) {
    take(2);
}

int main(void) {
    for (int moment = 0; moment < moments; moment++)
        for (int i = 0; i < sizes; i++) {
            char *block = blocks[moment][i];
            for (size_t at = 0; at < bytes_of[i]; at++)
                if (!block || block[at] != (char)(moment + i)) {
                    printf("moment %d: block of %zu bytes is lost or changed\n", moment,
                           bytes_of[i]);
                    return 1;
                }
            block = i % 2 ? realloc(block, bytes_of[i] * 2) : block;
            free(block);
        }
    void **of_library = dlsym(RTLD_DEFAULT, "taken_by_library");
    if (of_library)
        free(*of_library);
    puts("started");
    return 0;
}

/* Frees what other allocators made: `external KIND COUNT...`, kinds and numbers in turn. Prints
 * whether glibc hands out one of its own again afterwards. Blocks of glibc are freed in one
 * function, all others in another.
 *
 *   glibc      a block of libc's own malloc, 100 bytes, asked for past the interposed one
 *   aligned    the same of its memalign, 64 bytes at a multiple of 4,096
 *   mapping    the start of an anonymous mapping
 *   arena      64 bytes into a mapping, as an allocator of the program's own would hand out
 *   huge       a block of libc's own malloc with a mapping of its own
 *   thread     a block of libc's own malloc, asked for by another thread: of another arena
 *   reserved   the middle of addresses that cannot be read */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *(*libc_malloc)(size_t);
static void *(*libc_memalign)(size_t, size_t);

static char *map(void) {
    return mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *ask(void *unused) {
    (void)unused;
    return libc_malloc(200);
}

static void *ask_in_thread(void) {
    pthread_t thread;
    void *block = NULL;
    if (pthread_create(&thread, NULL, ask, NULL) == 0)
        pthread_join(thread, &block);
    return block;
}

static void *make(const char *kind) {
    if (strcmp(kind, "glibc") == 0)
        return libc_malloc(100);
    if (strcmp(kind, "aligned") == 0)
        return libc_memalign(4096, 64);
    if (strcmp(kind, "mapping") == 0)
        return map();
    if (strcmp(kind, "arena") == 0)
        return map() + 64;
    if (strcmp(kind, "huge") == 0)
        return libc_malloc(4 << 20);
    if (strcmp(kind, "thread") == 0)
        return ask_in_thread();
    if (strcmp(kind, "reserved") == 0)
        return (char *)mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    fprintf(stderr, "external: no kind %s\n", kind);
    exit(2);
}

__attribute__((noinline)) static void give_glibcs(void *block) {
    free(block);
    __asm__ volatile(""); /* no tail call: the caller is this function */
}

__attribute__((noinline)) static void give_other(void *block) {
    free(block);
    __asm__ volatile("");
}

int main(int count, char **arguments) {
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!libc)
        return 2;
    libc_malloc = (void *(*)(size_t))dlsym(libc, "malloc");
    libc_memalign = (void *(*)(size_t, size_t))dlsym(libc, "memalign");
    enum { MOST = 1000 };
    static void *blocks[MOST], *from_glibc[MOST];
    unsigned made = 0, of_glibc = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        int is_glibc = !strstr("mapping arena reserved", arguments[i]);
        for (int n = atoi(arguments[i + 1]); n > 0 && made < MOST && of_glibc < MOST; n--)
            *(is_glibc ? &from_glibc[of_glibc++] : &blocks[made++]) = make(arguments[i]);
    }
    for (unsigned i = 0; i < of_glibc; i++)
        give_glibcs(from_glibc[i]);
    for (unsigned i = 0; i < made; i++)
        give_other(blocks[i]);
    void *again = libc_malloc(100);
    for (unsigned i = 0; i < of_glibc; i++)
        if (again == from_glibc[i])
            puts("glibc had it back");
    return 0;
}

/* Frees what other allocators made: `external [realloc|usable] KIND COUNT...`, kinds and numbers in
 * turn. Prints whether glibc hands out one of its own again afterwards. Blocks of glibc are freed
 * in one function, all others in another. With realloc, blocks are resized to 3,000 bytes first,
 * and their 64 first bytes have to be there still; with usable, malloc_usable_size of each is
 * printed.
 *
 *   glibc      a block of libc's own malloc, 100 bytes, asked for past the interposed one
 *   aligned    the same of its memalign, 64 bytes at a multiple of 4,096
 *   mapping    the start of an anonymous mapping
 *   arena      64 bytes into a mapping, as an allocator of the program's own would hand out
 *   huge       a block of libc's own malloc with a mapping of its own
 *   thread     a block of libc's own malloc, asked for by another thread: of another arena
 *   reserved   the middle of addresses that cannot be read
 *   edge       the last 64 bytes of a mapping, behind which nothing can be read
 *   namespace  a block of a second libc's malloc, of another namespace (dlmopen)
 *   symbol     a block of __libc_memalign, by that name: ours where we are preloaded
 *   mimalloc, tcmalloc, jemalloc    a block of 100 bytes of that library, which is opened */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../tools/of_libc.h"

static void *(*libc_malloc)(size_t);
static void *(*libc_memalign)(size_t, size_t);

static void *find(void *library, const char *name) {
    void *symbol = library ? dlsym(library, name) : NULL;
    if (!symbol) {
        fprintf(stderr, "external: no %s: %s\n", name, dlerror());
        exit(2);
    }
    return symbol;
}

extern void *__libc_memalign(size_t, size_t) __attribute__((weak));

static void *ask_library(const char *file, const char *name) {
    return ((void *(*)(size_t))find(dlopen(file, RTLD_NOW | RTLD_LOCAL), name))(100);
}

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

/* As the release of Debian has it. */
static const char *mimalloc(void) {
    return dlopen("libmimalloc.so.2", RTLD_NOW) ? "libmimalloc.so.2" : "libmimalloc.so.3";
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
    if (strcmp(kind, "edge") == 0) {
        char *pages = map();
        mprotect(pages + 4096, 4096, PROT_NONE);
        return pages + 4096 - 64;
    }
    if (strcmp(kind, "namespace") == 0) {
        static void *(*other_malloc)(size_t);
        if (!other_malloc)
            other_malloc =
                (void *(*)(size_t))find(dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW), "malloc");
        return other_malloc(100);
    }
    if (strcmp(kind, "symbol") == 0)
        return __libc_memalign(64, 100);
    if (strcmp(kind, "mimalloc") == 0)
        return ask_library(mimalloc(), "mi_malloc");
    if (strcmp(kind, "tcmalloc") == 0)
        return ask_library("libtcmalloc_minimal.so.4", "tc_malloc");
    if (strcmp(kind, "jemalloc") == 0)
        return ((void *(*)(size_t, int))find(dlopen("libjemalloc.so.2", RTLD_NOW), "mallocx"))(100,
                                                                                               0);
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

static void *prepare(void *block, const char *what) {
    if (strcmp(what, "usable") == 0)
        printf("%zu\n", malloc_usable_size(block));
    if (strcmp(what, "realloc") != 0)
        return block;
    memset(block, 'x', 64);
    char *moved = realloc(block, 3000);
    for (unsigned i = 0; i < 64; i++)
        if (!moved || moved[i] != 'x') {
            puts("contents are lost");
            exit(3);
        }
    return moved;
}

int main(int count, char **arguments) {
    libc_malloc = (void *(*)(size_t))of_libc("malloc");
    libc_memalign = (void *(*)(size_t, size_t))of_libc("memalign");
    if (!libc_malloc || !libc_memalign)
        return 2;
    enum { MOST = 1000 };
    static void *blocks[MOST], *from_glibc[MOST];
    unsigned made = 0, of_glibc = 0;
    int first =
        count > 1 && (strcmp(arguments[1], "realloc") == 0 || strcmp(arguments[1], "usable") == 0)
            ? 2
            : 1;
    for (int i = first; i + 1 < count; i += 2) {
        int is_glibc =
            !strstr("mapping arena reserved edge symbol mimalloc tcmalloc jemalloc", arguments[i]);
        for (int n = atoi(arguments[i + 1]); n > 0 && made < MOST && of_glibc < MOST; n--)
            *(is_glibc ? &from_glibc[of_glibc++] : &blocks[made++]) = make(arguments[i]);
    }
    const char *what = first == 2 ? arguments[1] : "";
    for (unsigned i = 0; i < of_glibc; i++)
        give_glibcs(prepare(from_glibc[i], what));
    for (unsigned i = 0; i < made; i++)
        give_other(prepare(blocks[i], what));
    void *again = libc_malloc(100);
    for (unsigned i = 0; i < of_glibc; i++)
        if (again == from_glibc[i])
            puts("glibc had it back");
    return 0;
}

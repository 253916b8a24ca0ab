/* Every call of the malloc family with ordinary, empty, huge and odd arguments: prints what a
 * program can observe of each (a block or NULL, errno, alignment, zeroed or kept bytes). calls.sh
 * compares what it prints under glibc with what it prints under both builds. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !__GLIBC_PREREQ(2, 33)
#define mallinfo2 mallinfo
#endif

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t), *__libc_valloc(size_t), *__libc_pvalloc(size_t);
extern void __libc_free(void *);

/* C23; glibc 2.36 has neither, and free is what both mean. */
extern void free_sized(void *, size_t) __attribute__((weak));
extern void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

#define PRESET 77 /* errno before each call */

static const size_t sizes[] = {
    0,
    1,
    7,
    8,
    16,
    24,
    100,
    1024,
    4095,
    4096,
    32768,
    32769,
    1 << 20,
    3 << 20,
    SIZE_MAX,
    SIZE_MAX - 4095,
    (size_t)PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX - 4096,
    SIZE_MAX / 2 - 15,
    (size_t)1 << 62,
};
static const size_t alignments[] = {0,
                                    1,
                                    2,
                                    3,
                                    8,
                                    12,
                                    16,
                                    24,
                                    32,
                                    48,
                                    64,
                                    100,
                                    4096,
                                    5000,
                                    1 << 16,
                                    1 << 20,
                                    3 << 20,
                                    (size_t)1 << 61,
                                    (size_t)1 << 63,
                                    ((size_t)1 << 63) + 1,
                                    SIZE_MAX};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The largest power of two up to 2 MiB that divides the address. */
static size_t alignment_of(const void *p) {
    size_t alignment = (uintptr_t)p & -(uintptr_t)p;
    return alignment > 2 << 20 ? 2 << 20 : alignment;
}

static size_t rounded_up(size_t alignment) {
    size_t power = 16;
    while (power < alignment)
        power *= 2;
    return power;
}

/* The alignment that malloc owes: that of every object of that size. */
static size_t due_for(size_t bytes) {
    return bytes <= 8 ? 8 : 16;
}

/* A block below 8 bytes that ends where its page does (guarded.md) is aligned for every type of its
 * size; others as is due. */
static int is_aligned(void *block, size_t bytes, size_t due) {
    int ends_with_page = ((size_t)block + bytes + 7) / 8 * 8 % 4096 == 0;
    if (bytes < 8 && due == 8 && ends_with_page)
        due = bytes >= 4 ? 4 : 2;
    return alignment_of(block) >= due;
}

/* Prints a result: all of it may be written, and the alignment is at least what is due. */
static void tell(const char *call, size_t a, size_t b, void *block, size_t bytes, size_t due) {
    int error = errno;
    printf("%s(%zx, %zx): ", call, a, b);
    if (!block) {
        printf("NULL, errno %d\n", error);
        return;
    }
    memset(block, 0x5a, bytes);
    printf("block, errno %d, %s, %s\n", error,
           is_aligned(block, bytes, due) ? "aligned" : "NOT aligned",
           malloc_usable_size(block) >= bytes ? "usable" : "NOT usable");
    errno = PRESET;
    free(block);
    if (errno != PRESET)
        printf("free changed errno to %d\n", errno);
}

#define CALL(expression) (errno = PRESET, (expression))

static void plain(void) {
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t n = sizes[i];
        tell("malloc", n, 0, CALL(malloc(n)), n, due_for(n));
        tell("__libc_malloc", n, 0, CALL(__libc_malloc(n)), n, due_for(n));
        tell("valloc", n, 0, CALL(valloc(n)), n, 4096);
        tell("__libc_valloc", n, 0, CALL(__libc_valloc(n)), n, 4096);
        tell("pvalloc", n, 0, CALL(pvalloc(n)), (n + 4095) & -(size_t)4096, 4096);
        tell("__libc_pvalloc", n, 0, CALL(__libc_pvalloc(n)), n, 4096);
        tell("realloc(NULL)", n, 0, CALL(realloc(NULL, n)), n, due_for(n));
        tell("__libc_realloc(NULL)", n, 0, CALL(__libc_realloc(NULL, n)), n, due_for(n));
    }
}

static void cleared(void) {
    static const size_t counts[] = {0, 1, 3, 1000, (size_t)1 << 32, SIZE_MAX};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(counts); j++) {
            size_t bytes = 0;
            if (__builtin_mul_overflow(sizes[i], counts[j], &bytes))
                bytes = SIZE_MAX;
            if (bytes > 64 << 20 && bytes <= (size_t)PTRDIFF_MAX - 8192)
                continue; /* whether that much is there depends on the machine */
            for (int which = 0; which < 2; which++) {
                unsigned char *block =
                    CALL(which ? __libc_calloc(counts[j], sizes[i]) : calloc(counts[j], sizes[i]));
                for (size_t at = 0; block && at < bytes; at++)
                    if (block[at] != 0) {
                        printf("calloc: byte %zu is %d\n", at, block[at]);
                        break;
                    }
                tell("calloc", counts[j], sizes[i], block, bytes, due_for(bytes));
            }
        }
}

static void aligned(void) {
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(alignments); j++) {
            size_t n = sizes[i], alignment = alignments[j];
            size_t due = alignment <= 2 << 20 ? rounded_up(alignment) : 2 << 20;
            if (alignment <= 8)
                due = due_for(n);
            tell("memalign", alignment, n, CALL(memalign(alignment, n)), n, due);
            tell("__libc_memalign", alignment, n, CALL(__libc_memalign(alignment, n)), n, due);
            tell("aligned_alloc", alignment, n, CALL(aligned_alloc(alignment, n)), n, due);
            void *block = &block; /* kept where the call fails */
            int result = CALL(posix_memalign(&block, alignment, n)), error = errno;
            if (result == 0) {
                tell("posix_memalign", alignment, n, block, n, due);
                continue;
            }
            printf("posix_memalign(%zx, %zx): %d, errno %d, %s\n", alignment, n, result, error,
                   block == &block ? "pointer kept" : "pointer changed");
        }
}

static void check_kept(const unsigned char *block, size_t bytes, const char *what) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != (unsigned char)(i * 7)) {
            printf("%s: byte %zu was not kept\n", what, i);
            return;
        }
}

static void resized(void) {
    static const size_t steps[] = {1, 24, 100, 1000, 5000, 40000, 300000, 3 << 20};
    for (size_t i = 0; i < COUNT(steps); i++)
        for (size_t j = 0; j < COUNT(steps); j++) {
            unsigned char *block = malloc(steps[i]);
            for (size_t at = 0; at < steps[i]; at++)
                block[at] = (unsigned char)(at * 7);
            block = CALL(j % 2 ? realloc(block, steps[j]) : __libc_realloc(block, steps[j]));
            check_kept(block, steps[i] < steps[j] ? steps[i] : steps[j], "realloc");
            tell("realloc", steps[i], steps[j], block, steps[j], due_for(steps[j]));
        }
    for (size_t i = 0; i < COUNT(sizes); i++) {
        /* A call that fails leaves the block as it was. */
        if (sizes[i] <= 64 << 20)
            continue;
        unsigned char *block = malloc(100);
        for (size_t at = 0; at < 100; at++)
            block[at] = (unsigned char)(at * 7);
        void *moved = CALL(realloc(block, sizes[i]));
        printf("realloc(100 -> %zx): %s, errno %d\n", sizes[i], moved ? "block" : "NULL", errno);
        check_kept(block, 100, "failed realloc");
        moved = CALL(reallocarray(block, sizes[i], 8));
        printf("reallocarray(100 -> %zx * 8): %s, errno %d\n", sizes[i], moved ? "block" : "NULL",
               errno);
        check_kept(block, 100, "failed reallocarray");
        free(block);
    }
    printf("realloc(p, 0): %p, errno %d\n", CALL(realloc(malloc(10), 0)), errno);
    printf("reallocarray(p, 0, 9): %p, errno %d\n", CALL(reallocarray(malloc(10), 0, 9)), errno);
    tell("reallocarray(NULL)", 10, 20, CALL(reallocarray(NULL, 10, 20)), 200, 16);
    tell("realloc of aligned", 0, 0, CALL(realloc(memalign(4096, 100), 9000)), 9000, 16);
}

static void given_back(void) {
    free(NULL);
    __libc_free(NULL);
    __libc_free(malloc(10));
    free(__libc_malloc(10));
    printf("usable of NULL: %zu\n", malloc_usable_size(NULL));
    void *sized = malloc(24), *wide = aligned_alloc(64, 128);
    errno = PRESET;
    if (free_sized)
        free_sized(sized, 24);
    else
        free(sized);
    if (free_aligned_sized)
        free_aligned_sized(wide, 64, 128);
    else
        free(wide);
    printf("free_sized, free_aligned_sized: errno %d\n", errno);
    /* Also when giving back to the kernel fails inside. */
    void *large = malloc(8 << 20);
    errno = PRESET;
    free(large);
    printf("free of a large block: errno %d\n", errno);
}

static void told(void) {
    static const int parameters[] = {M_MXFAST,     M_TRIM_THRESHOLD,
                                     M_TOP_PAD,    M_MMAP_THRESHOLD,
                                     M_MMAP_MAX,   M_PERTURB,
                                     M_ARENA_TEST, M_ARENA_MAX,
                                     1234,         -1234};
    static const int values[] = {-1, 0, 1, 64, 160, 161, 4096, 1 << 20};
    struct mallinfo2 before, after;
    /* Blocks in slabs here, in the main heap there; large ones in both are mappings. */
    void *small[1000];
    before = mallinfo2();
    for (int i = 0; i < 1000; i++)
        small[i] = malloc(1000);
    after = mallinfo2();
    printf("mallinfo2: a million bytes more %s, the heap %s\n",
           after.uordblks - before.uordblks >= 1000000 && after.uordblks - before.uordblks < 1500000
               ? "are seen"
               : "are NOT seen",
           after.arena >= after.uordblks && after.fordblks == after.arena - after.uordblks
               ? "adds up"
               : "does NOT add up");
    void *large = malloc(4 << 20);
    struct mallinfo2 with = mallinfo2();
    printf("mallinfo2: %zd more mapping of %s\n", (size_t)(with.hblks - after.hblks),
           with.hblkhd - after.hblkhd >= 4 << 20 ? "its size" : "NOT its size");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
    printf("mallinfo: %s\n",
           narrow.hblks == (int)with.hblks && narrow.uordblks == (int)with.uordblks
               ? "the same figures"
               : "NOT the same figures");
    free(large);
    for (int i = 0; i < 1000; i++)
        free(small[i]);
    struct mallinfo2 end = mallinfo2();
    printf("mallinfo2: after free %s\n",
           end.uordblks <= before.uordblks + 10000 && end.hblks == before.hblks ? "as before"
                                                                                : "NOT as before");
    printf("malloc_trim: %d", malloc_trim(0));
    printf(" and %d\n", malloc_trim(0));
    for (size_t i = 0; i < COUNT(parameters); i++)
        for (size_t j = 0; j < COUNT(values); j++) /* M_PERTURB would fill what calloc checks */
            printf("mallopt(%d, %d): %d\n", parameters[i],
                   parameters[i] == M_PERTURB ? 0 : values[j],
                   mallopt(parameters[i], parameters[i] == M_PERTURB ? 0 : values[j]));
    printf("malloc_info(1): %d\n", malloc_info(1, stdout));
}

int main(void) {
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    told();
    plain();
    cleared();
    aligned();
    resized();
    given_back();
    return 0;
}

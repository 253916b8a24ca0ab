/* A program to which memory is refused and that goes on: `survive [STEPS [large]]`.
 *
 * It takes blocks of all sizes (large: most of 32 KiB to 3 MB), in threads and a forked child, too,
 * looks at every byte of each before it gives it back, and asks again for what it did not get.
 * These must hold: a call that fails gives NULL and ENOMEM, realloc leaves the old block as it was,
 * no two blocks share a byte, and memory that was given back can be had again. Prints one line,
 * "survived"; ends with 3 when nothing at all could be had, with SIGABRT when something does not
 * hold. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { places = 64, threads_max = 3 };

struct block {
    unsigned char *bytes;
    size_t size;
    unsigned char due;
};

static int steps = 300;

static void fail(const char *what) {
    (void)!write(2, what, strlen(what));
    (void)!write(2, "\n", 1);
    abort();
}

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static const size_t common_sizes[] = {32, 64, 200, 1000, 4000, 20000, 60000, 300000};
static const size_t large_sizes[] = {1000, 60000, 80000, 150000, 400000, 900000, 1500000, 3000000};
static const size_t *most = common_sizes;

static size_t pick_size(uint32_t *state) {
    uint32_t r = next_random(state);
    return 1 + (r >> 3) % most[r & 7];
}

/* By libc's memcmp: this program is compiled without optimising. */
static bool holds_only(const unsigned char *bytes, size_t size, unsigned char due) {
    return size == 0 || (bytes[0] == due && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void look_at(const struct block *block) {
    if (!holds_only(block->bytes, block->size, block->due))
        fail("survive: a block's bytes changed");
}

static void drop(struct block *block) {
    if (!block->bytes)
        return;
    look_at(block);
    errno = 77;
    free(block->bytes);
    if (errno != 77)
        fail("survive: free changed errno");
    block->bytes = NULL;
}

static void fill(struct block *block, size_t size, uint32_t *state) {
    if (malloc_usable_size(block->bytes) < size)
        fail("survive: usable size below what was asked");
    block->size = size;
    block->due = (unsigned char)next_random(state);
    memset(block->bytes, block->due, size);
}

/* One call; false when there was no memory. */
static int take(struct block *block, uint32_t *state) {
    size_t size = pick_size(state);
    uint32_t how = next_random(state) % 8;
    void *got = NULL;
    errno = 0;
    if (how == 0) {
        got = calloc(1, size);
        if (got && !holds_only(got, size, 0))
            fail("survive: calloc gave bytes that are not zero");
    } else if (how == 1) {
        errno = posix_memalign(&got, (size_t)16 << next_random(state) % 9, size);
        if (errno)
            got = NULL;
    } else {
        got = malloc(size);
    }
    if (!got && errno != ENOMEM)
        fail("survive: no memory, and errno is not ENOMEM");
    block->bytes = got;
    if (got)
        fill(block, size, state);
    return got != NULL;
}

static void resize(struct block *block, uint32_t *state) {
    size_t size = pick_size(state), old = block->size;
    errno = 0;
    unsigned char *moved = realloc(block->bytes, size);
    if (!moved && errno != ENOMEM)
        fail("survive: realloc without memory, and errno is not ENOMEM");
    if (!moved) {
        look_at(block);
        return;
    }
    block->bytes = moved;
    block->size = old < size ? old : size;
    look_at(block);
    fill(block, size, state);
}

/* Returns how many blocks could be had. */
static long work(uint32_t seed, struct block *blocks) {
    uint32_t state = seed * 2654435761u + 1;
    long taken = 0;
    for (int i = 0; i < steps; i++) {
        struct block *block = &blocks[next_random(&state) % places];
        if (block->bytes && (next_random(&state) & 3) == 0) {
            resize(block, &state);
        } else {
            drop(block);
            taken += take(block, &state);
        }
    }
    return taken;
}

static void drop_all(struct block *blocks) {
    for (int i = 0; i < places; i++)
        drop(&blocks[i]);
}

static void *work_in_thread(void *number) {
    struct block blocks[places] = {{NULL, 0, 0}};
    (void)work((uint32_t)(uintptr_t)number, blocks);
    drop_all(blocks);
    return NULL;
}

static void work_in_threads(struct block *given) {
    pthread_t threads[threads_max];
    int started = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    for (int i = 0; i < threads_max; i++) {
        int error =
            pthread_create(&threads[started], &small, work_in_thread, (void *)(uintptr_t)(i + 2));
        if (error == 0)
            started++;
        else if (error != EAGAIN && error != ENOMEM)
            fail("survive: pthread_create fails for another reason than memory");
    }
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    drop_all(given);
}

static void work_in_child(void) {
    static struct block blocks[places];
    (void)work(9, blocks);
    pid_t child = fork();
    if (child < 0)
        return;
    if (child == 0) {
        (void)work(10, blocks);
        drop_all(blocks);
        _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("survive: the child did not end well");
    drop_all(blocks);
}

int main(int argc, char **argv) {
    static struct block blocks[places];
    if (argc > 1)
        steps = atoi(argv[1]);
    if (argc > 2 && strcmp(argv[2], "large") == 0)
        most = large_sizes;
    long taken = work(1, blocks);
    work_in_threads(blocks);
    work_in_child();
    /* Memory that was given back can be had again. */
    taken += work(11, blocks);
    drop_all(blocks);
    if (taken == 0)
        return 3;
    (void)!write(1, "survived\n", 9);
    return 0;
}

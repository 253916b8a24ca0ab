/* Measures the memory that stays resident where a program has freed it, for benches.
 *
 *   resident burst FROM TO KEPT [quiet|few]   200 MiB of blocks of FROM to TO bytes over KEPT MiB
 *                                             of the same that stay; freed, then 2 s of idleness:
 *                                             without a call, or with 20 small ones each 10 ms
 *   resident grow                             a buffer from 256 bytes to 2 MB, 32 KiB at a time,
 *                                             by calloc, copy and free
 *   resident upload                           an sshd's buffers while it takes 5 MB
 *
 * Prints KiB: resident before the first block, live after the end, and resident above the first at
 * the peak, right after the end and after the idle seconds. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20, BURST_BYTES = 200 * MIB, STEP = 32 << 10, WINDOW = 2 << 20 };

static long start_kib, live_kib, peak_kib, end_kib;
static bool is_quiet;

static uint32_t draw(void) {
    static uint32_t state = 7;
    state = state * 1664525u + 1013904223u;
    return state >> 4;
}

/* Without a call that allocates. */
static long resident(void) {
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    if (file < 0 || read(file, text, sizeof text - 1) < 0)
        abort();
    close(file);
    return atol(strchr(text, ' ')) * (sysconf(_SC_PAGESIZE) / 1024) - start_kib;
}

static void note_peak(void) {
    long now = resident();
    peak_kib = now > peak_kib ? now : peak_kib;
}

static void idle(void) {
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 20 && !is_quiet; k++) {
            void *volatile block = malloc(16 + draw() % 500);
            free(block);
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static void *filled(size_t bytes) {
    void *block = malloc(bytes);
    if (!block)
        abort();
    return memset(block, 1, bytes);
}

static size_t fill(void **blocks, size_t bytes, size_t from, size_t to) {
    size_t count = 0;
    for (size_t all = 0; all < bytes; count++) {
        size_t block_bytes = from + draw() % (to - from + 1);
        blocks[count] = filled(block_bytes);
        all += block_bytes;
        if (all % (MIB / 4) < block_bytes)
            note_peak();
    }
    return count;
}

static void burst(size_t from, size_t to, size_t kept_bytes) {
    size_t most = (BURST_BYTES + kept_bytes) / from + 2;
    void **blocks = mmap(NULL, most * sizeof *blocks, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks == MAP_FAILED)
        abort();
    size_t kept = fill(blocks, kept_bytes, from, to);
    void **going = blocks + kept;
    size_t count = fill(going, BURST_BYTES, from, to);
    note_peak();
    while (count > 0) {
        size_t at = draw() % count;
        void *block = going[at];
        going[at] = going[--count];
        free(block);
    }
    munmap(going + ((4096 - (uintptr_t)going % 4096) % 4096) / sizeof *going,
           ((most - kept) * sizeof *blocks) &
               ~(size_t)4095); /* the array is not what is measured */
    live_kib = (long)(kept_bytes / 1024);
}

/* As OpenBSD's recallocarray. */
static void *resized(void *old, size_t old_bytes, size_t bytes) {
    char *block = calloc(1, bytes);
    if (!block)
        abort();
    if (old)
        memcpy(block, old, old_bytes < bytes ? old_bytes : bytes);
    if (old)
        explicit_bzero(old, old_bytes);
    free(old);
    return block;
}

static void grow(void) {
    size_t bytes = 256;
    char *buffer = calloc(1, bytes);
    for (; bytes < 2000000; bytes += STEP) {
        char *longer = calloc(1, bytes + STEP);
        if (!buffer || !longer)
            abort();
        memcpy(longer, buffer, bytes);
        memset(longer + bytes, 1, STEP);
        free(buffer);
        buffer = longer;
        note_peak();
    }
    live_kib = (long)(bytes / 1024);
}

/* Packets of 32 KiB come in, are put on the end of the channel's buffer, and go out when that has
 * 2 MB; a buffer that is empty becomes short again. */
static void upload(void) {
    static const size_t all = 5 << 20;
    size_t in_bytes = 256, bytes = 256, used = 0;
    char *in = calloc(1, in_bytes), *out = calloc(1, bytes);
    for (size_t done = 0; done < all; done += STEP) {
        in = resized(in, in_bytes, STEP + 256);
        in_bytes = STEP + 256;
        memset(in, 1, in_bytes);
        char *packet = filled(STEP + 16);
        if (used + STEP > bytes) {
            out = resized(out, bytes, bytes + STEP);
            bytes += STEP;
        }
        memcpy(out + used, packet, STEP);
        used += STEP;
        free(packet);
        note_peak();
        if (used >= WINDOW) {
            out = resized(out, bytes, 256);
            bytes = 256;
            used = 0;
        }
    }
    live_kib = (long)((bytes + in_bytes) / 1024);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    is_quiet = argc > 5 && strcmp(argv[5], "quiet") == 0;
    free(malloc(1));
    start_kib = resident();
    if (strcmp(what, "burst") == 0 && argc > 4)
        burst((size_t)atol(argv[2]), (size_t)atol(argv[3]), (size_t)atol(argv[4]) * MIB);
    else if (strcmp(what, "grow") == 0)
        grow();
    else if (strcmp(what, "upload") == 0)
        upload();
    else
        return 2;
    end_kib = resident();
    idle();
    printf("%ld %ld %ld %ld %ld\n", start_kib, live_kib, peak_kib, end_kib, resident());
    return 0;
}

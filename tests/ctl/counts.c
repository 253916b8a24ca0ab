/* Has blocks of many kinds, prints what hak_read_stats and hak_read_class_stats say of them, as
 * `NAME VALUE` lines, and waits for the end of its input, without another call of the malloc
 * family. With `threads` other threads allocate and free meanwhile, until then. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hakmem.h"

enum { BLOCKS = 3000, LARGE = 12, THREADS = 3 };

static void *volatile block[BLOCKS], *volatile large[LARGE];
static atomic_bool is_over;

static void *free_thirds(void *unused) {
    for (int i = 0; i < BLOCKS; i += 3)
        free(block[i]);
    return unused;
}

static void *work(void *unused) {
    while (!is_over) {
        void *volatile some[200];
        for (int i = 0; i < 200; i++)
            some[i] = malloc(16 + (size_t)i * 37);
        for (int i = 0; i < 200; i++)
            free(some[i]);
        free(malloc(3 << 20));
    }
    return unused;
}

static char text[1 << 16];
static size_t length;

static void say(const char *name, uint64_t value) {
    length += (size_t)snprintf(text + length, sizeof text - length, "%s %llu\n", name,
                               (unsigned long long)value);
}

static void say_class(unsigned slot_bytes, const char *name, uint64_t value) {
    char full[64];
    snprintf(full, sizeof full, "%u.%s", slot_bytes, name);
    say(full, value);
}

#define SAY(name) say(#name, all.name)

int main(int count, char **arguments) {
    pthread_t thread, worker[THREADS];
    struct hak_stats all;
    struct hak_class_stats row;
    bool has_threads = count > 1 && strcmp(arguments[1], "threads") == 0;
    for (int i = 0; i < BLOCKS; i++)
        block[i] = malloc((size_t)(i * 11) % 9000);
    for (int i = 0; i < LARGE; i++)
        large[i] = memset(malloc((size_t)40000 << i % 6), 1, 40000);
    pthread_create(&thread, NULL, free_thirds, NULL);
    pthread_join(thread, NULL);
    for (int i = 1; i < BLOCKS / 2; i += 3)
        free(block[i]);
    for (int i = 0; i < LARGE; i += 4)
        free(large[i]);
    malloc_trim(0); /* what is free now has no pages any more */
    for (int i = 2; i < LARGE; i += 4)
        free(large[i]);
    for (int i = 0; has_threads && i < THREADS; i++)
        pthread_create(&worker[i], NULL, work, NULL);
    for (unsigned c = 0; hak_read_class_stats(c, &row, sizeof row) == sizeof row; c++) {
        unsigned bytes = (unsigned)row.slot_bytes;
        if (!row.mapped_bytes)
            continue;
        say_class(bytes, "mapped_bytes", row.mapped_bytes);
        say_class(bytes, "live_bytes", row.live_blocks * bytes);
        say_class(bytes, "cached_bytes", row.cached_blocks * bytes);
        say_class(bytes, "free_bytes", row.free_blocks * bytes);
        say_class(bytes, row.is_slack_known ? "slack_bytes" : "slack_bound_bytes", row.slack_bytes);
    }
    hak_read_stats(&all, sizeof all);
    SAY(mapped_bytes);
    SAY(live_bytes);
    SAY(cached_bytes);
    SAY(unused_bytes);
    SAY(large_blocks);
    SAY(large_bytes);
    SAY(resident_bytes);
    SAY(dirty_bytes);
    SAY(clean_bytes);
    SAY(guarded_blocks);
    SAY(slow_paths);
    SAY(remote_frees);
    SAY(given_back_bytes);
    SAY(background_threads);
    SAY(background_bytes);
    SAY(background_failures);
    say("blocks_guarded", all.guarded_so_far);
    SAY(guard_ns);
    if (write(1, text, length) != (ssize_t)length)
        return 1;
    while (read(0, text, sizeof text) > 0)
        continue;
    is_over = true;
    for (int i = 0; has_threads && i < THREADS; i++)
        pthread_join(worker[i], NULL);
    return 0;
}

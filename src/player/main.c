/* hakmem-player PLAY RESULTS TOUCH PACED: plays the file behind descriptor PLAY and writes what it
 * measured into the one behind RESULTS. hakmem-trace replay starts it.
 * hakmem-player sequence: makes the sequence (sequence.h) that hakmem-trace reduce gives it. */
#include "player/player.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "arch.h"

enum { STACK_BYTES = 256 << 10 };

struct player player;

void player_fail(const char *what, int error) {
    char *to = player.result->error;
    size_t room = sizeof player.result->error;
    snprintf(to, room, "%s: %s", what, strerror(error));
    _exit(3);
}

/* ---- a family that does nothing -----------------------------------------------------------------
 * A play over it has the player's own costs alone. */
static void *no_malloc(size_t bytes) {
    (void)bytes;
    return NULL;
}
static void *no_calloc(size_t count, size_t bytes) {
    (void)count;
    (void)bytes;
    return NULL;
}
static int no_memalign(void **out, size_t alignment, size_t bytes) {
    (void)alignment;
    (void)bytes;
    *out = NULL;
    return 0;
}
static void *no_realloc(void *pointer, size_t bytes) {
    (void)pointer;
    (void)bytes;
    return NULL;
}
static void no_free(void *pointer) {
    (void)pointer;
}

static void choose_family(void) {
    if (player.touch == PLAY_TOUCH_NOTHING)
        player.family =
            (struct play_family){no_malloc, no_calloc, no_memalign, no_realloc, no_free};
    else
        player.family = (struct play_family){malloc, calloc, posix_memalign, realloc, free};
}

/* ---- memory ------------------------------------------------------------------------------------
 */

/* Shared memory, present already; the process ends where there is none. */
static void *take_memory(uint64_t bytes) {
    void *memory = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        player_fail("the player has no memory for its tables", ENOMEM);
    return memory;
}

/* Maps the play file and the results. False: they are none. */
static bool map_files(int play, int results) {
    struct stat about;
    player.result = mmap(NULL, sizeof *player.result, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_POPULATE, results, 0);
    if (player.result == MAP_FAILED || fstat(play, &about) != 0)
        return false;
    player.file_bytes = (size_t)about.st_size;
    void *file = mmap(NULL, player.file_bytes, PROT_READ, MAP_SHARED, play, 0);
    if (file == MAP_FAILED || player.file_bytes < PLAY_BLOCK_BYTES)
        return false;
    player.file = file;
    player.head = file;
    return memcmp(player.head->magic, PLAY_MAGIC, sizeof player.head->magic) == 0;
}

/* Adds the variables that each thread has of a library: the C library takes them from its stack. */
static int add_variables(struct dl_phdr_info *library, size_t size, void *context) {
    size_t *bytes = context;
    (void)size;
    for (unsigned i = 0; i < library->dlpi_phnum; i++)
        if (library->dlpi_phdr[i].p_type == PT_TLS)
            *bytes += library->dlpi_phdr[i].p_memsz + library->dlpi_phdr[i].p_align;
    return 0;
}

static void make_tables(void) {
    const struct play_head *h = player.head;
    player.thread = (const struct play_thread *)(player.file + h->thread_offset);
    uint8_t *alignment = take_memory(h->alignments);
    memcpy(alignment, player.file + h->alignment_offset, h->alignments);
    player.alignment = alignment;
    player.epoch_left = take_memory(h->epochs * sizeof *player.epoch_left);
    memcpy(player.epoch_left, player.file + h->epoch_offset, h->epochs * sizeof *player.epoch_left);
    player.epoch_state = take_memory(h->epochs * sizeof *player.epoch_state);
    player.slot = take_memory(h->slots * sizeof *player.slot);
    player.progress = take_memory(h->threads * sizeof *player.progress);
    player.running = h->threads;
    player.stack_bytes = STACK_BYTES;
    dl_iterate_phdr(add_variables, &player.stack_bytes);
    player.stack_bytes = (player.stack_bytes + HAK_PAGE_BYTES - 1) & ~(size_t)(HAK_PAGE_BYTES - 1);
}

/* ---- the play ----------------------------------------------------------------------------------
 */

static void add_threads(struct play_result *r) {
    r->calls = 0;
    for (uint32_t i = 0; i < player.head->threads; i++) {
        const struct play_progress *p = &player.progress[i];
        r->calls += p->all_calls;
        r->call_ticks += p->call_ticks;
        r->most_ticks = p->most_ticks > r->most_ticks ? p->most_ticks : r->most_ticks;
        r->failed += p->failed;
        r->damaged += p->damaged;
        r->end_live_bytes += (uint64_t)p->live_bytes;
        r->end_live_blocks += p->live_blocks;
        for (unsigned k = 0; k < PLAY_TIMES; k++)
            r->times[k] += p->times[k];
    }
}

/* Plays and fills in the results. */
static void play(void) {
    struct play_result *r = player.result;
    struct rusage before, after;
    if (!player_start_looking())
        player_fail("a thread could not be started", errno);
    r->begin_anonymous = player_anonymous_bytes();
    getrusage(RUSAGE_SELF, &before);
    uint64_t cpu = player_now_ns(CLOCK_PROCESS_CPUTIME_ID), ticks = hak_ticks_now();
    player.begin_ns = player_now_ns(CLOCK_MONOTONIC);
    player_do_thread(0);
    while (!__atomic_load_n(&player.is_over, __ATOMIC_ACQUIRE))
        player_sleep_while(&player.is_over, 0);
    r->wall_ns = player_now_ns(CLOCK_MONOTONIC) - player.begin_ns;
    r->ticks = hak_ticks_now() - ticks;
    cpu = player_now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    getrusage(RUSAGE_SELF, &after);
    uint64_t looking = player_end_looking();
    r->cpu_ns = cpu > looking ? cpu - looking : 0;
    r->minor_faults = (uint64_t)(after.ru_minflt - before.ru_minflt);
    r->major_faults = (uint64_t)(after.ru_majflt - before.ru_majflt);
    add_threads(r);
    __atomic_store_n(&r->is_over, 1, __ATOMIC_RELEASE);
}

int main(int count, char **argument) {
    if (count == 2 && strcmp(argument[1], "sequence") == 0)
        return player_make_sequence();
    if (count != 5 || !map_files(atoi(argument[1]), atoi(argument[2])))
        return 2;
    Dl_info about;
    void *(*of)(size_t) = malloc;
    if (dladdr((void *)of, &about) && about.dli_fname)
        snprintf(player.result->module, sizeof player.result->module, "%s", about.dli_fname);
    player.touch = (enum play_touch)atoi(argument[3]);
    player.is_paced = atoi(argument[4]) != 0;
    choose_family();
    make_tables();
    play();
    return 0;
}

/* fork as a program sees it: while other threads allocate, from a thread, twice; the child goes on
 * with every block it inherited. Runs on any allocator (preload_test.sh). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/suite.h"

enum { BLOCKS = 500 };

static char *blocks[BLOCKS];
static atomic_bool stop;

static void make_blocks(void) {
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc((size_t)i * 90 + 1);
        memset(blocks[i], i, (size_t)i * 90 + 1);
    }
}

/* True when all blocks are as they were; frees half of them, resizes the others. */
static int use_blocks(void) {
    int good = 1;
    for (int i = 0; i < BLOCKS; i++) {
        good &= blocks[i][0] == (char)i && blocks[i][(size_t)i * 90] == (char)i;
        if (i % 2) {
            free(blocks[i]);
            blocks[i] = NULL;
        } else {
            blocks[i] = realloc(blocks[i], (size_t)i * 91 + 1);
            good &= blocks[i][0] == (char)i;
        }
    }
    for (int i = 0; i < 4000; i++) /* each size once */
        free(malloc((size_t)(i * 37 % 4000)));
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return good;
}

static void *allocate_all_the_time(void *seed) {
    uint64_t random = 88172645463325252ull + (uintptr_t)seed;
    void *live[64] = {NULL};
    unsigned step = 0;
    while (!stop) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        free(live[random % 64]);
        live[random % 64] = malloc(random >> 20 & (step++ % 100 ? 0xfff : 0xffff));
    }
    for (int i = 0; i < 64; i++)
        free(live[i]);
    return NULL;
}

static void await(pid_t child) {
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %#x",
                  (unsigned)status);
}

TEST(children_go_on_while_other_threads_allocate) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, allocate_all_the_time, (void *)(i + 1));
    for (int round = 0, rounds = rounds_of(4); round < rounds; round++) {
        make_blocks();
        pid_t child = fork();
        if (child == 0)
            _exit(use_blocks() ? 0 : 1);
        await(child);
        ck_assert(use_blocks());
    }
    stop = true;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void *give_to_others(void *unused) {
    (void)unused;
    make_blocks();
    return NULL;
}

TEST(a_child_frees_blocks_of_threads_that_are_not_there) {
    pthread_t other, ended;
    pthread_create(&ended, NULL, give_to_others, NULL);
    pthread_join(ended, NULL);
    pthread_create(&other, NULL, allocate_all_the_time, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(use_blocks() ? 0 : 1);
    await(child);
    stop = true;
    pthread_join(other, NULL);
    ck_assert(use_blocks());
}

static void *child_thread(void *unused) {
    (void)unused;
    for (int i = 0; i < 10000; i++)
        free(malloc((size_t)i));
    return NULL;
}

static void *fork_from_here(void *unused) {
    (void)unused;
    make_blocks();
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, child_thread, NULL);
            pthread_join(thread, NULL);
            _exit(use_blocks() ? 0 : 1);
        }
        int status = -1;
        waitpid(grandchild, &status, 0);
        _exit(status == 0 && use_blocks() ? 0 : 1);
    }
    await(child);
    use_blocks();
    return NULL;
}

TEST(a_thread_can_fork_and_its_child_too) {
    pthread_t other, thread;
    pthread_create(&other, NULL, allocate_all_the_time, NULL);
    for (int i = 0, rounds = rounds_of(2); i < rounds; i++) {
        pthread_create(&thread, NULL, fork_from_here, NULL);
        pthread_join(thread, NULL);
    }
    stop = true;
    pthread_join(other, NULL);
}

RUN_TESTS()

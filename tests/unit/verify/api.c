/* Asks everything of hakmem.h, as a program that uses it would: prints "absent" where hakmem is not
 * there, else "well". With an argument the first blocks of each site are guarded. */
#include "hakmem.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARDED_OF_SITE = 4 };

static void fail(const char *what) {
    printf("%s\n", what);
    exit(1);
}

static void *ask_in_thread(void *taken) {
    *(void **)taken = malloc(100);
    return NULL;
}

static void ask_owners(bool are_guarded) {
    int on_stack;
    char *one = malloc(100), *two = malloc(5000), *large = malloc(200000);
    void *of_another = NULL;
    pthread_t thread;
    if (pthread_create(&thread, NULL, ask_in_thread, &of_another) != 0)
        fail("no thread");
    if (hak_owner(one) == 0 || hak_owner(one) != hak_owner(two + 4999))
        fail("two blocks of a thread have two owners");
    pthread_join(thread, NULL);
    if (hak_owner(of_another) == 0 || (hak_owner(of_another) == hak_owner(one)) != are_guarded)
        fail("a block of another thread has this one's owner");
    if ((hak_owner(one) == HAK_OWNER_OF_LARGE) != are_guarded)
        fail("a guarded block has a heap's owner, or another block none");
    if (hak_owner(large) != HAK_OWNER_OF_LARGE || hak_owner(large + 199999) != HAK_OWNER_OF_LARGE)
        fail("a large block has another owner");
    if (hak_owner(NULL) || hak_owner(&on_stack) || hak_owner((void *)0x123456789000))
        fail("what is not hakmem's has an owner");
    free(one);
    free(two);
    free(large);
    free(of_another);
}

static void ask_stats(bool are_guarded) {
    struct hak_stats before, now;
    void *blocks[100];
    if (hak_read_stats(&before, sizeof before) != sizeof before)
        fail("the stats are not filled");
    for (int i = 0; i < 100; i++)
        blocks[i] = malloc(10000);
    void *large = malloc(3000000);
    now.large_bytes = 77;
    if (hak_read_stats(&now, sizeof now) != sizeof now)
        fail("the stats are not filled the second time");
    if (now.live_bytes < before.live_bytes + 100 * 10000 + 3000000 ||
        now.live_bytes > before.live_bytes + 100 * 20000 + 4000000)
        fail("live bytes did not grow by what was taken");
    if (now.large_blocks != before.large_blocks + 1 + (are_guarded ? GUARDED_OF_SITE : 0) ||
        now.large_bytes < before.large_bytes + 3000000 || now.mapped_bytes < now.live_bytes)
        fail("the large block is not counted");
    now.large_bytes = 77;
    if (hak_read_stats(&now, offsetof(struct hak_stats, large_blocks)) !=
            offsetof(struct hak_stats, large_blocks) ||
        now.large_bytes != 77)
        fail("more was filled than an older program has room for");
    free(large);
    for (int i = 0; i < 100; i++)
        free(blocks[i]);
}

/* The row of the class with the smallest slots of at least `bytes`. */
static struct hak_class_stats class_of(size_t bytes) {
    struct hak_class_stats row = {0};
    for (unsigned c = 0; hak_read_class_stats(c, &row, sizeof row) == sizeof row; c++)
        if (row.slot_bytes >= bytes)
            return row;
    fail("no class is large enough");
    return row;
}

static void *free_all(void *blocks) {
    for (int i = 0; i < 1000; i++)
        free(((void **)blocks)[i]);
    return NULL;
}

/* Sums of what is kept, and the counts that only grow. */
static void ask_kept(void) {
    struct hak_stats before, now;
    static void *blocks[1000];
    pthread_t thread;
    hak_read_stats(&before, sizeof before);
    if (before.resident_bytes > before.mapped_bytes + before.dirty_bytes ||
        before.resident_bytes < before.live_bytes || before.resident_bytes < before.dirty_bytes ||
        before.dirty_bytes + before.clean_bytes < before.unused_bytes)
        fail("what is resident, dirty and clean does not agree with what is mapped");
    for (int i = 0; i < 1000; i++)
        blocks[i] = malloc(3000);
    if (pthread_create(&thread, NULL, free_all, blocks) != 0)
        fail("no thread");
    pthread_join(thread, NULL);
    hak_read_stats(&now, sizeof now);
    if (now.slow_paths <= before.slow_paths || now.remote_frees < before.remote_frees + 900)
        fail("refills or another thread's frees are not counted");
    before = now;
    free(malloc(100 << 20));
    hak_read_stats(&now, sizeof now);
    if (now.given_back_bytes <= before.given_back_bytes && now.dirty_bytes < before.dirty_bytes)
        fail("a large block that went is neither kept nor given back");
}

static void ask_classes(bool are_guarded) {
    void *blocks[100];
    struct hak_class_stats before = class_of(7000), now;
    char few = 77;
    for (int i = 0; i < 100; i++)
        blocks[i] = malloc(before.slot_bytes - 100);
    errno = 7;
    now = class_of(7000);
    if (errno != 7)
        fail("errno was changed");
    if (are_guarded)
        before.live_blocks -= GUARDED_OF_SITE;
    if (now.live_blocks != before.live_blocks + 100)
        fail("100 blocks of a class are not counted");
    if (now.mapped_bytes < now.slot_bytes * (now.live_blocks + now.free_blocks) ||
        now.slack_bytes < before.slack_bytes + (now.is_slack_known ? 100 * 90 : 0) ||
        now.slack_bytes > now.live_blocks * now.slot_bytes)
        fail("slabs or slack of a class make no sense");
    for (int i = 0; i < 100; i++)
        free(blocks[i]);
    if (hak_read_class_stats(255, &now, sizeof now) != 0 ||
        hak_read_class_stats(0, (void *)&few, 0) != 0 || few != 77)
        fail("a class that is none is answered");
}

int main(int count, char **arguments) {
    (void)arguments;
    if (!hak_verify || !hak_owner || !hak_read_stats || !hak_read_class_stats || !hak_mark) {
        puts(hak_verify || hak_owner || hak_read_stats || hak_mark ? "some are there" : "absent");
        return 0;
    }
    hak_mark("owners");
    ask_owners(count > 1);
    hak_mark("stats: a name that is longer than what fits one record of 32 bytes");
    hak_mark(NULL);
    ask_stats(count > 1);
    ask_kept();
    ask_classes(count > 1);
    if (hak_verify() != 0)
        fail("hak_verify finds something");
    puts("well");
    return 0;
}

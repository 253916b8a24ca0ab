/* Asks everything of hakmem.h, as a program that uses it would: prints "absent" where hakmem is not
 * there, else "well". With an argument the first blocks of each site are guarded. */
#include "hakmem.h"
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

int main(int count, char **arguments) {
    (void)arguments;
    if (!hak_verify || !hak_owner || !hak_read_stats || !hak_mark) {
        puts(hak_verify || hak_owner || hak_read_stats || hak_mark ? "some are there" : "absent");
        return 0;
    }
    hak_mark("owners");
    ask_owners(count > 1);
    hak_mark("stats: a name that is longer than what fits one record of 32 bytes");
    hak_mark(NULL);
    ask_stats(count > 1);
    if (hak_verify() != 0)
        fail("hak_verify finds something");
    puts("well");
    return 0;
}

/* Has a block in each state that a list can hold, writes "NAME ADDRESS" for each, and aborts. With
 * "wait" it waits instead; with "fault" it writes to a page that is mapped no more ("page"), with
 * "freed" to a freed block, with "wild" through a pointer that is no address; with "twice" it frees
 * a block again, with "overflow" it writes two bytes behind a block. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_barrier_t barrier;
static void *of_other, *freed_for_other;
static char data[64] = "static data";

static void *other_thread(void *unused) {
    of_other = malloc(200);
    freed_for_other = malloc(72);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    return unused;
}

static void give_back(void *block) {
    free(block);
}

static void say(const char *name, const void *block) {
    printf("%s %p\n", name, block);
}

int main(int count, char **words) {
    pthread_t other;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&other, NULL, other_thread, NULL);
    pthread_barrier_wait(&barrier);
    char *live = malloc(100), *beside = malloc(100), *freed = malloc(100),
         *freed_later = malloc(100);
    memset(live, 1, 100);
    free(freed);
    free(freed_later);
    free(freed_for_other);
    char *large = malloc(3000000), *kept = malloc(50000);
    free(kept);
    char on_stack[8] = "stack";
    char *page = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page, 3 * 4096);
    say("live", live);
    say("inside", live + 40);
    say("beside", beside);
    say("freed", freed);
    say("freed_later", freed_later);
    say("of_other", of_other);
    say("freed_for_other", freed_for_other);
    say("large", large);
    say("kept", kept);
    say("data", data);
    say("stack", on_stack);
    if (count > 1 && strcmp(words[1], "fault") == 0)
        say("page", page + 4096);
    fflush(stdout);
    if (count > 1 && strcmp(words[1], "wait") == 0)
        for (;;)
            pause();
    if (count > 1 && strcmp(words[1], "fault") == 0)
        *(volatile char *)(page + 4096) = 1;
    if (count > 1 && strcmp(words[1], "freed") == 0)
        *(volatile char *)freed = 1;
    if (count > 1 && strcmp(words[1], "overflow") == 0)
        ((volatile char *)live)[100] = 'x', ((volatile char *)live)[101] = 'y';
    if (count > 1 && strcmp(words[1], "wild") == 0)
        *(volatile char *)((size_t)live ^ (size_t)1 << 62) = 1;
    if (count > 1 && strcmp(words[1], "twice") == 0)
        give_back(freed);
    abort();
}

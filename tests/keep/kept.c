/* Takes and gives back blocks in ways that `hakmem-trace` is asked about afterwards: `kept CASE`.
 *
 *   story        prints the addresses of blocks, NAME ADDRESS
 *   slack N      N blocks; prints what the allocator handed out beyond what was asked for
 *   twice        a block is given back twice
 *   late         twice, another block having been given back between
 *   unseen       a block is given back by dallocx, where there is one
 *   copies       prints the addresses of copies of text, NAME ADDRESS
 *   fails        a realloc and a malloc that there is no memory for */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hakmem.h"

extern void dallocx(void *, int) __attribute__((weak));

static void *volatile kept[64];

__attribute__((noinline)) static void *make_session(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}

static void tell(const char *name, const void *block) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %p\n", name, block);
    fwrite(line, 1, (size_t)length, stdout);
}

static void story(void) {
    if (hak_mark)
        hak_mark("the story");
    void *freed = make_session(24), *grown = make_session(1000), *aligned = NULL;
    if (posix_memalign(&aligned, 256, 333) != 0)
        exit(2);
    kept[0] = make_session(77);
    tell("freed", freed);
    tell("grown", grown);
    tell("held", kept[0]);
    tell("aligned", aligned);
    free(freed);
    kept[1] = realloc(grown, 500000);
    tell("grown-to", kept[1]);
    free(aligned);
}

static void slack(int count) {
    size_t sum = 0;
    for (int i = 1; i <= count; i++) {
        size_t bytes = (size_t)i * 37 % 5003;
        char *block = malloc(bytes);
        sum += malloc_usable_size(block) - bytes;
        if (i % 2)
            free(block);
        else if (i % 4)
            kept[i % 64] = block;
        else if ((block = realloc(block, bytes * 3)) != NULL)
            sum += malloc_usable_size(kept[i % 64] = block) - bytes * 3;
    }
    printf("%zu\n", sum);
}

static void give_twice(int between) {
    char *block = make_session(40), *other = make_session(40);
    tell("block", block);
    fflush(stdout);
    free(block);
    if (between)
        free(other);
    free(block);
    kept[0] = other;
}

static void unseen(void) {
    void *block = make_session(64);
    tell("block", block);
    if (!dallocx)
        exit(3);
    dallocx(block, 0);
    for (int i = 0; i < 64 && kept[0] != block; i++)
        kept[0] = make_session(64);
    tell("again", kept[0]);
}

static void copies(void) {
    char *volatile text = (char[]){"a text of twenty-two."};
    kept[0] = strdup(text);
    kept[1] = strndup(text, 6);
    if (strcmp(kept[0], text) != 0 || strcmp(kept[1], "a text") != 0)
        exit(4);
    tell("whole", kept[0]);
    tell("part", kept[1]);
    free(strndup(text, 1000));
}

static void fails(void) {
    volatile size_t huge = PTRDIFF_MAX;
    char *block = make_session(48);
    tell("block", block);
    kept[0] = realloc(block, huge);
    kept[1] = malloc(huge);
    if (kept[0] || kept[1] || block[47] != 1)
        exit(4);
    kept[0] = block;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (strcmp(what, "story") == 0)
        story();
    else if (strcmp(what, "slack") == 0)
        slack(atoi(words[2]));
    else if (strcmp(what, "twice") == 0 || strcmp(what, "late") == 0)
        give_twice(what[0] == 'l');
    else if (strcmp(what, "unseen") == 0)
        unseen();
    else if (strcmp(what, "copies") == 0)
        copies();
    else if (strcmp(what, "fails") == 0)
        fails();
    else
        return 1;
    return 0;
}

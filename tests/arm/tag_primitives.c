/* Shows that the machine has memory tags as src/platform/aarch64/tags.h takes them to be
 * (tests/arm/tags.sh). */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "../../src/platform/tags.h"

static sigjmp_buf back;
static volatile int code;

static void note(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    code = info->si_code;
    siglongjmp(back, 1);
}

/* The si_code that a read by this tag gives; 0: none. */
static int read_by(const char *p, unsigned tag) {
    code = 0;
    if (sigsetjmp(back, 1) == 0)
        (void)*(const volatile char *)((uintptr_t)p | (uintptr_t)tag << HAK_TAG_SHIFT);
    return code;
}

static void due(int found, int due, const char *what) {
    if (found != due) {
        printf("%s: %d, not %d\n", what, found, due);
        exit(1);
    }
}

int main(void) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | HAK_TAGS_EXPOSE};
    sigaction(SIGSEGV, &action, NULL);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    due(hak_tags_offered(), 1, "offered");
    hak_tags_start(HAK_TAGS_WAY_SYNC);
    due(hak_tags_are_given(), 1, "given");
    hak_tag_memory(page, page + 64, 5);
    due((int)hak_tag_at(page), 0, "memory without tags");
    hak_tags_fit(page, 8192);
    hak_tag_memory(page, page + 48, 5);
    due((int)hak_tag_at(page + 32), 5, "the third granule");
    due((int)hak_tag_at(page + 48), 0, "the one behind");
    due(read_by(page + 40, 5), 0, "a read by the tag");
    due(read_by(page + 40, 6), HAK_TAGS_FAULT, "a read by another");
    due(read_by(page + 40, 0), HAK_TAGS_FAULT, "a read by none");
    char *tagged = (char *)((uintptr_t)page | (uintptr_t)5 << HAK_TAG_SHIFT);
    tagged[0] = tagged[40] = 1;
    hak_tag_zeros(page, page + 48, 5);
    due(read_by(page, 5) + read_by(page + 40, 5), 0, "reads by the tag that zeros came with");
    due(tagged[0] + tagged[40], 0, "zeros");
    due((int)(hak_tags_first_wrong((uintptr_t)page + 39, 5) - (uintptr_t)page), 48, "the first");
    due((int)(hak_tags_first_wrong((uintptr_t)page + 39, 6) - (uintptr_t)page), 39, "the access");
    mprotect(page + 4096, 4096, PROT_NONE);
    hak_tag_memory(page + 4080, page + 4096, 5);
    due((int)(hak_tags_first_wrong((uintptr_t)page + 4090, 5) - (uintptr_t)page), 4090, "none");
    mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE);
    uintptr_t before = hak_tags_deafen();
    due(read_by(page + 40, 6), 0, "a read when deaf");
    hak_tags_ear(before);
    due(read_by(page + 40, 6), HAK_TAGS_FAULT, "a read afterwards");
    mprotect(page, 4096, PROT_NONE);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    due(read_by(page + 40, 6), HAK_TAGS_FAULT, "a read of a page that was closed");
    madvise(page, 4096, MADV_DONTNEED);
    due((int)hak_tag_at(page), 0, "a dropped page");
    hak_tag_memory(page, page + 16, 7);
    hak_tags_stop();
    due(read_by(page, 6), 0, "a read after the stop");
    return 0;
}

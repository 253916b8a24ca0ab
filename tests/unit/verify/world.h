/* Helpers for the tests of hak_verify: a heap with blocks in every place, the lines on stderr, and
 * a table of things that are broken by hand. Include it once in each test program. */
#ifndef TESTS_UNIT_VERIFY_WORLD_H
#define TESTS_UNIT_VERIFY_WORLD_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "front/front.h"
#include "front/thread_block.h"
#include "platform/registry.h"
#include "pool/pool.h"
#include "unit/suite.h"
#include "verify/verify.h"

/* The damage of a case, and the words that the line must have for it. */
struct breakage {
    const char *name;
    void (*break_it)(void);
    const char *said;
};

static char said[32 << 10];

/* hak_verify_all with stderr in `said`. */
static size_t verify_quietly(void) {
    char name[] = "said.XXXXXX";
    int file = mkstemp(name), saved = dup(2);
    ck_assert_int_ge(file, 0);
    (void)unlink(name);
    (void)dup2(file, 2);
    size_t count = hak_verify_all();
    (void)dup2(saved, 2);
    ssize_t bytes = pread(file, said, sizeof said - 1, 0);
    ck_assert_int_ge(bytes, 0);
    said[bytes] = 0;
    (void)close(file);
    (void)close(saved);
    return count;
}

static size_t count_lines(void) {
    size_t lines = 0;
    for (const char *at = said; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

/* All was well before; now it is not, and a line says so. */
static void see(const struct breakage *breakage) {
    if (verify_quietly() != 0)
        ck_abort_msg("before %s: %.2000s", breakage->name, said);
    breakage->break_it();
    size_t count = verify_quietly();
    if (count == 0 || count_lines() != (count < 100 ? count : 100) ||
        strncmp(said, "hakmem: verify: ", 16) != 0 || !strstr(said, breakage->said))
        ck_abort_msg("%s: %zu disagreements, \"%s\" is not among:\n%.2000s", breakage->name, count,
                     breakage->said, said);
}

static struct hak_slab *slab_of(base_t block) {
    return &hak_superslab_of(block.p)->slabs[hak_slab_index_of(block.p)];
}

#endif

/* After a burst, slabs with one slot in use keep that slot's pages alone, and free slabs none: as
 * many pages are resident where ranges go back together as where they go one by one. */
#include "unit/slab/heap_of_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "newer.h"
#include "platform/discard.h"
#include "platform/raw_call.h"

enum { A = HAK_CLASS_OF_1024, SLOTS = 64, SUPERSLABS = 40, SLABS = 31 * SUPERSLABS };

_Atomic unsigned hak_sandboxes_entered;

static base_t blocks[SLABS * SLOTS];

static unsigned long count_resident(void) {
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert(file && fscanf(file, "%lu %lu", &pages, &resident) == 2);
    fclose(file);
    return resident;
}

/* Takes SUPERSLABS of blocks and fills them; frees all but one of every third slab. Returns the
 * pages that are resident more than before. */
static unsigned long burst(void) {
    set_up();
    memset(blocks, 1, sizeof blocks);
    unsigned long before = count_resident();
    take_slabs(A, blocks, SLABS);
    for (unsigned i = 0; i < SLABS * SLOTS; i++)
        memset(blocks[i].p, 1, 1024);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned slab = 0; slab < SLABS; slab++)
            if (slot > 0 || slab % 3 > 0)
                give(&blocks[slab * SLOTS + slot], 1);
    return count_resident() - before;
}

/* Of a child that does so, as a number of 64 KiB. */
static int burst_in_child(bool is_forbidden) {
    pid_t child = fork();
    if (child == 0) {
        if (is_forbidden)
            hak_forbidden_calls[SYS_process_madvise] = 1;
        unsigned long parts = burst() / 16;
        _exit(parts < 255 ? (int)parts : 255);
    }
    int status = status_of(child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(as_much_stays_resident_with_single_calls_as_with_calls_for_many) {
    int together = burst_in_child(false), alone = burst_in_child(true);
    printf("resident: %d and %d times 64 KiB\n", together, alone);
    ck_assert_int_lt(together, 200);
    ck_assert_int_lt(alone, 200);
    ck_assert_int_le(together, alone + 32); /* HAK_FEW_SLABS wait, thinned or not */
    ck_assert_int_le(alone, together + 32);
}

RUN_TESTS()

/* hak_read_stats in the debug build: one walk of the large blocks' address map gives all figures of
 * them. */
#include "hakmem.h"
#include "border.h"
#include "front/front.h"
#include "large/large.h"
#include "platform/registry.h"
#include "unit/suite.h"

typedef void visit_large(struct hak_large *, void *);
size_t __real_hak_large_each(visit_large *visit, void *context);
size_t __wrap_hak_large_each(visit_large *visit, void *context);

static unsigned walks;

size_t __wrap_hak_large_each(visit_large *visit, void *context) {
    walks++;
    return __real_hak_large_each(visit, context);
}

TEST(large_blocks_are_walked_once) {
    char *environment[] = {"HAKMEM_TRACE=off", "HAKMEM_CHECK=trace", NULL};
    struct hak_stats stats;
    hak_options_read(environment);
    hak_registry_start(true);
    hak_plan_start();
    hak_check_start();
    hak_front_start();
    ck_assert_uint_eq(hak_read_stats(&stats, sizeof stats), sizeof stats);
    ck_assert_uint_eq(walks, 1);
}

RUN_TESTS()

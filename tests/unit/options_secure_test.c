/* Under AT_SECURE the environment is not looked at and nothing is recorded. */
#include <sys/auxv.h>
#include "options.h"
#include "unit/suite.h"

/* In front of libc's: this process says that it is privileged. */
unsigned long getauxval(unsigned long type) {
    return type == AT_SECURE;
}

TEST(a_privileged_program_takes_no_orders) {
    char *environment[] = {"HAKMEM_TRACE=on", "HAKMEM_TRACE_FILE=/tmp/x.db", "HAKMEM_STACK_DEPTH=7",
                           "HAKMEM_CHECK=nonsense", NULL};
    hak_options_read(environment);
    ck_assert_uint_eq(hak_options.trace, 0);
    ck_assert_uint_eq(hak_options.stack_depth, 64);
    ck_assert_uint_eq(hak_options.check, HAK_CHECK_NORMAL);
    ck_assert_str_eq(hak_option_text(HAK_INDEX_TRACE_FILE), "hakmem.%e.%p.db");
}

RUN_TESTS()

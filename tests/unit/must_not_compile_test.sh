#!/usr/bin/env bash
# A user pointer passed where a base belongs does not compile, and neither does the reverse.
. "${SOURCE:?}/tests/tools/test.sh"
compiler=${CC:-cc}
try() {
    printf '#include "check.h"\nvoid try(base_t base, user_t user);\nvoid try(base_t base, user_t user) { %s (void)base; (void)user; }\n' "$1" |
        "$compiler" -std=gnu11 -iquote "$SOURCE/src" -x c -fsyntax-only - >said 2>&1
}
try 'hop(HAK_SLL_PUSH, base, 0); (void)base_of(user);' || { cat said; echo "right use must compile"; failed=1; }
for wrong in 'hop(HAK_SLL_PUSH, user, 0);' 'hop(HAK_SLL_PUSH, base.p, 0);' '(void)base_of(base);' \
    '(void)user_of(user);' 'base = user;' 'base = base + 16;' 'if (base == user) return;'; do
    ! try "$wrong" || complain "this must not compile and does: $wrong"
done

#!/usr/bin/env bash
# A user pointer passed where a base belongs does not compile, and neither does the reverse.
set -u
compiler=${CC:-cc}
try() {
    printf '#include "check.h"\nvoid try(base_t base, user_t user);\nvoid try(base_t base, user_t user) { %s (void)base; (void)user; }\n' "$1" |
        "$compiler" -std=gnu11 -iquote "$SOURCE/src" -x c -fsyntax-only - >said 2>&1
}
status=0
try 'hop(HAK_SLL_PUSH, base, 0); (void)base_of(user);' || { cat said; echo "right use must compile"; status=1; }
for wrong in 'hop(HAK_SLL_PUSH, user, 0);' 'hop(HAK_SLL_PUSH, base.p, 0);' '(void)base_of(base);' \
    '(void)user_of(user);' 'base = user;' 'base = base + 16;' 'if (base == user) return;'; do
    if try "$wrong"; then
        echo "this must not compile and does: $wrong"
        status=1
    fi
done
exit "$status"

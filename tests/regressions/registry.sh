#!/usr/bin/env bash
# The original's registry of SuperSlabs was full at 10 million iterations, and what could not be registered was
# freed as a stranger's. Ten million with the plain library, nothing of it foreign, then fewer with everything
# recorded: what lies in no SuperSlab would be a bad-free or a foreign free. tests/long/regressions.sh has ten million
# of those, too.
. "${SOURCE:?}/tests/tools/regression.sh"
count=${REGISTRY_ITERATIONS:-400000}
HAKMEM_EXTERNAL_GUARD_STATS=1 HAKMEM_SUPERSLAB_REUSE=0 LD_PRELOAD=$BUILD/libhakmem.so \
    "$BUILD/tests/regressions/iterations" 10000000 20000 2>err || { cat err; fail "libhakmem.so: status $?"; }
! grep 'external-guard: [1-9]' err || fail "libhakmem.so takes blocks of its own for others'"
HAKMEM_QUARANTINE=0 HAKMEM_SUPERSLAB_REUSE=0 clean all.db -- "$BUILD/tests/regressions/iterations" "$count" 20000
[ "$(ask all.db "SELECT sum(foreign_frees) FROM process")" = 0 ] || fail "blocks of our own were taken for others'"
at_least 2 "SuperSlabs that were unmapped" "$(ask all.db "SELECT count(*) FROM event WHERE kind = 'SUPERSLAB_UNMAP'")"

#!/usr/bin/env bash
# The original pushed blocks whose SuperSlab could not be found (TLS_SLL_PUSH_NO_SS). Every pointer that is pushed
# here lies in a SuperSlab that was mapped before and not unmapped since; one that does not is stopped at the push.
. "${SOURCE:?}/tests/tools/regression.sh"
HAKMEM_TINY_MAGAZINE_ENABLE=1 HAKMEM_TINY_MAG_CAP=8 HAKMEM_SUPERSLAB_REUSE=0 clean clean.db --layout header -- "$BUILD/tests/regressions/bands" 2000
at_least 5000 pushes "$(ask clean.db "SELECT count(*) FROM event WHERE kind = 'SLL_PUSH'")"
lost=$(ask clean.db "WITH m AS MATERIALIZED (SELECT addr, min(id) AS id FROM event WHERE kind = 'SUPERSLAB_MAP' GROUP BY addr)
    SELECT count(*) FROM event e LEFT JOIN m ON m.addr = e.base / 2097152 * 2097152
    WHERE e.kind = 'SLL_PUSH' AND coalesce(m.id > e.id, 1)")
[ "$lost" = 0 ] || fail "$lost blocks were pushed whose SuperSlab was never mapped"
for check in normal trace; do
    found 103 $check.db --check $check --inject no-superslab:20 -- "$BUILD/tests/regressions/bands" 200
done

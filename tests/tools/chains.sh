# shellcheck shell=bash
# Helpers for tests that look at stacks: each kind of call in a program asks a size of its own, and read_chains
# prints what its stacks are. Sourced; needs BUILD and SOURCE, works in the current directory.

. "$SOURCE/tests/tools/test.sh"

# record PROGRAM ARGUMENT...: into store.db. A healthy program, so nothing may be on stderr.
record() {
    "$trace" run --check trace --force --store store.db -- "$@" >out 2>err ||
        fail "$1 ended with status $?: $(head -n 5 err)"
    [ ! -s err ] || fail "$1 has on stderr: $(head -n 5 err)"
}

# read_chains LOW HIGH: one line for each stack of a MALLOC of LOW to HIGH bytes: size, the record's flags
# (4 partial, 8 over code without call frame information), functions outwards up to main.
read_chains() {
    "$trace" sql -s store.db "
        WITH RECURSIVE
          e AS (SELECT DISTINCT size, stack, flags FROM event
                WHERE kind = 'MALLOC' AND size BETWEEN $1 AND $2),
          walk(size, flags, start, depth, node) AS (SELECT size, flags, stack, 0, stack FROM e
            UNION ALL SELECT size, flags, start, depth + 1, n.parent
              FROM walk JOIN node n ON n.id = walk.node WHERE n.parent <> 0)
        SELECT size, flags, start, coalesce(f.module, ''), coalesce(f.function, '')
          FROM walk LEFT JOIN node_frame f ON f.node = walk.node ORDER BY size, start, depth, level" |
        python3 "$SOURCE/tests/tools/chains.py"
}

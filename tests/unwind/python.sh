#!/usr/bin/env bash
# CPython: with --frames python every stack has the functions, files and lines that the interpreter itself has at that moment,
# between the C frames: generators, exceptions, callbacks from C, threads, recursion deeper than is kept, code that takes the place
# of other code, a forked child. Without it there are none.
. "${SOURCE:?}/tests/tools/chains.sh"
python=${PYTHON:-/usr/bin/python3}
export PYTHONMALLOC=malloc PYTHONUTF8=1

rows() { # PROCESS
    "$trace" sql -s store.db "
        WITH RECURSIVE
          e AS (SELECT size, max(stack) AS stack FROM event
            WHERE kind IN ('MALLOC', 'CALLOC', 'REALLOC') AND size > 100000 AND process = $1 GROUP BY size),
          walk(size, depth, node) AS (SELECT size, 0, stack FROM e
            UNION ALL SELECT size, depth + 1, n.parent FROM walk JOIN node n ON n.id = walk.node WHERE n.parent <> 0)
        SELECT size || '|' || depth || '|' || coalesce(f.module, '') || '|' || coalesce(f.function, '') || '|' ||
               coalesce(f.file, '') || '|' || coalesce(f.line, 0)
          FROM walk JOIN node_frame f ON f.node = walk.node ORDER BY size, depth, level" |
        awk -F'|' '{ key = $1 "|" $2 } NR > 1 && key != last { print row } { last = key; row = $0 } END { print row }' # the outermost level
}
compare() { # EXPECTED PROCESS
    rows "$2" >rows || fail "sql"
    "$python" "$SOURCE/tests/unwind/python_compare.py" "$1" 128 <rows || fail "process $2: stacks are not the interpreter's"
}

if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    "$trace" run --check trace --frames python --depth 256 --force --store store.db -- "$python" -W ignore "$SOURCE/tests/unwind/python_story.py" "$PWD/due" \
        >out 2>err || fail "python ended with $?: $(cat err)"
    [ ! -s err ] || fail "on stderr: $(cat err)"
    compare due 1
    compare due.child 2
else
    echo "skipped: stacks of Python: $("$python" --version) has its frames where hakmem does not look (of 3.11 and later it does)"
    "$trace" run --check trace --frames python --force --store store.db -- "$python" -c 'print(len(bytearray(100016)))' >out 2>err || fail "python ended with $?"
    grep -q '^hakmem: HAKMEM_FRAMES=python: where this version of CPython has its frames is not known' err || fail "it does not say so: $(cat err)"
fi

# A version that is not known is said, and recorded without.
"$trace" run --check trace --force --store store.db -- "$python" -c 'print(len(bytearray(100016)))' >out 2>err || fail "python ended with $?"
found=$("$trace" sql -s store.db "SELECT count(*) FROM frame WHERE module = 0")
[ "$found" = 0 ] || fail "$found Python frames without --frames python"

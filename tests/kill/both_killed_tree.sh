#!/usr/bin/env bash
# kill -9 of keeper and worker at once under a program that goes on to start children: they are all in one store, also
# where its name comes from the first one's pid, and nothing is said.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
children=30
query() { "$BUILD/hakmem-trace" sql -s "$store" "select $1" 2>/dev/null | tail -n 1 | sed 's/ *$//'; }
has_come_to() { [ "$(cat last 2>/dev/null)" -ge "$1" ] 2>/dev/null; }

cat >children.sh <<'E'
for ((i = 1; i <= $1; i++)); do
    /usr/bin/expr $i + 0 >last
    /usr/bin/sleep 0.02
done
E

for asked in '' "$PWD/store.db"; do
    rm -f ./*.db* last
    env ${asked:+HAKMEM_TRACE_FILE="$asked"} HAKMEM_CHECK=trace LD_PRELOAD="$BUILD/hakmem-debug.so" \
        bash children.sh $children >out 2>err &
    program=$!
    store=${asked:-$PWD/hakmem.bash.$program.db}
    until_true has_come_to 8 || exit 1
    until_true worker_of "$store" || fail "nobody has the store open"
    kill_at_once "$(parent_of "$worker")" "$worker"
    wait "$program" || complain "the program ended with $?; 0 was due"
    until_true no_collector || exit 1
    [ -s err ] && complain "something is on stderr: $(head -n 3 err)"
    files=$(find . -maxdepth 1 -name '*.db*' -o -name '*.rings')
    [ "$files" = "./$(basename "$store")" ] || complain "one store was due: $files"
    forked=$(query "count(*) from process where program like '%/bash'")
    [ "$forked" = $((1 + 2 * children)) ] || complain "$forked rows of bash; $((1 + 2 * children)) were due"
    # Processes that had ended before anybody could know that the collector is dead went with it; then their rows say so.
    executed=$(query "count(*) from process where program not like '%/bash'")
    missing=$(query "count(*) from process where end_kind = 4 and program like '%/bash'")
    [ $((executed + missing)) -eq $((2 * children)) ] ||
        complain "$executed programs and $missing that are said to be missing; $((2 * children)) were due"
    # One after the other: those that the worker had not stored yet, and those whose hello the keeper took just before.
    between=$(query "count(*) from process where program like '%/bash' and end_kind <> 4 and start_ns between
        (select min(start_ns) from process where end_kind = 4) and (select max(start_ns) from process where end_kind = 4)")
    [ "$between" = 0 ] || complain "$between programs are there that started between missing ones"
    open=$(query "count(*) from process where end_kind = 0 and note = ''")
    [ "$open" = 0 ] || complain "$open rows say neither how the process ended nor that nobody knows"
    "$BUILD/hakmem-trace" check -s "$store" >check.out 2>&1
    found=$?
    [ $found -eq 0 ] || { [ $found -eq 4 ] && grep -q 'The collector was killed' check.out; } ||
        complain "check: $found: $(head -n 10 check.out)"
done
exit "$failed"

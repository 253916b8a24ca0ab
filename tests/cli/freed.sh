#!/usr/bin/env bash
# Memory allocated for a command line is always freed: memcheck over options that are given several times.
. "${SOURCE:?}/tests/tools/test.sh"
export XDG_STATE_HOME=$PWD/state
"$BUILD/tests/cli/make_store" . || fail "make_store failed"

# freed STATUS WORDS...: this status, and memcheck has nothing to say.
freed() {
    local due=$1 got
    shift
    valgrind -q --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
        --error-exitcode=99 --log-file=memcheck "$trace" "$@" >out 2>err
    got=$?
    [ "$got" = "$due" ] && [ ! -s memcheck ] || complain "$*: status $got, due $due: $(cat out err) $(head -n 30 memcheck)"
}
labels=(--label 'a=1' --label 'b=2' --label 'c=3' --label=d=)
nowhere="postgresql:///nobody?host=$PWD"
freed 2 push "${labels[@]}" --label nothing -s tree.db --to "$nowhere"
freed 2 push "${labels[@]}" --nonsense
freed 2 fleet "${labels[@]}" --to tree.db
freed 2 fleet "${labels[@]}" --label nothing --to tree.db
freed 3 fleet "${labels[@]}" --to "$nowhere"
freed 3 push "${labels[@]}" -s tree.db --to "$nowhere"
freed 0 push "${labels[@]}" --help

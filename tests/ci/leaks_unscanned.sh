#!/usr/bin/env bash
# `run --ci` of a program that a fault stops says that it was stopped before leaks could be looked for, not that nobody asked for leaks.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -w -O1 -g -o leaks_counted "$SOURCE/tests/cli/leaks_counted.c" || exit 2

# says WORDS OPTION...: the end of what a run with a double free says of what was checked
says() {
    local words=$1
    shift
    rm -f now.*
    "$trace" run -s now.db "$@" -- ./leaks_counted 1 twice >said 2>&1
    sed -n 's/^hakmem: writes checked .*(padding aside[^)]*)//p' said >line
    [ "$(cat line)" = "$words" ] || complain "$*: $(cat said)"
}
says ', leaks not looked for: the program was stopped before that' --ci
says ', leaks not looked for: the program was stopped before that' --ci --leaks=1
says ', leaks not looked for (--leaks)' --ci --leaks=0
says '' --ci --on-fault continue

#!/usr/bin/env bash
# kill -9 of keeper and worker at once, and no other keeper can be started: the program goes on and says so in one line,
# and the capture is said to be incomplete.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
printf '#!/bin/sh\n[ -e "%s/refuse" ] && exit 1\nexec "%s/hakmem-collect" "$@"\n' "$PWD" "$BUILD" >collect
chmod +x collect
export HAKMEM_COLLECT=$PWD/collect
start_with_keeper 200
: >refuse
kill_at_once "$keeper" "$worker"
until_true test -s program.err || exit 1
stop_program words
wait "$program" || complain "the program ended with $?; 0 was due"
due="hakmem: the collector died and no other one takes over: the collector does not answer: $PWD/collect (it ended); process $program"
due="$due goes on checked but unrecorded, and what was stored until then is in $PWD/store.db"
[ "$(cat program.err)" = "$due" ] || complain "on stderr: $(head -n 5 program.err)"
until_true no_holder "$PWD/store.db" || exit 1
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1
found=$?
[ $found -eq 4 ] || complain "check ended with $found; 4 was due"
grep -q 'The capture ends with its last commit: its collector was killed' check.out || complain "check: $(cat check.out)"

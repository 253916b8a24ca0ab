#!/usr/bin/env bash
# The stored profile says of real programs at some moments what their events say, one by one: CPython, sqlite3, a forking server, in levels trace and
# normal.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"

# compare NAME MOMENTS: NAME.db
compare() {
    /usr/bin/python3 "$SOURCE/tests/profile/rows.py" "$BUILD" "$1.db" "$2" >said || complain "$1:" "$(cat said)"
}

cat >forks.py <<'END'
import json, os
keep = [{'key': str(i) * 5} for i in range(500)]
for number in range(6):
    if os.fork() == 0:
        made = [json.dumps(keep[:50 + number]) for _ in range(5)]
        if number % 2:
            keep = None  # what it inherited goes
        os._exit(0)
    junk = [str(i) * 40 for i in range(300)]
    os.wait()
END
/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 12000 >inserts.sql
"$BUILD/hakmem-trace" run --check trace -s forks.db -- env PYTHONMALLOC=malloc /usr/bin/python3 forks.py || exit 1
"$BUILD/hakmem-trace" run --check normal -s sqlite.db -- sqlite3 :memory: '.read inserts.sql' >rows || exit 1
compare forks 6
compare sqlite 4

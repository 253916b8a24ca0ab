#!/usr/bin/env bash
# CPython without its own pools: JSON; classes, exceptions, threads and subprocesses. And an exit by sys.exit.
# Where CPython loses blocks of its own at exit, they are those that memcheck finds.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
. "$SOURCE/tests/tools/python_leaks.sh"
leaks=$(python_leaks)
export leaks
[ -n "${BENCH_RESULTS-}" ] || same_is_lost /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 1 || exit 1
story() { "${under[@]}" /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" "$(scale 2 100 60)"; }
classes_story() { "${under[@]}" /usr/bin/python3 "$SOURCE/tests/tools/classes.py" "$(scale 3 100 30)"; }
check_program story "CPython, JSON"
check_program classes_story "CPython, classes"

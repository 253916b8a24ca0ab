#!/usr/bin/env bash
# CPython without its own pools: JSON; classes, exceptions, threads and subprocesses. And an exit by sys.exit.
# timeout: 1800
set -u
# shellcheck source=tests/tools/real_program.sh
. "$SOURCE/tests/tools/real_program.sh"
export leaks=error
story() { "${under[@]}" /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" "$(scale 8 100 60)"; }
classes_story() { "${under[@]}" /usr/bin/python3 "$SOURCE/tests/tools/classes.py" "$(scale 8 100 30)"; }
check_program story "CPython, JSON"
check_program classes_story "CPython, classes"

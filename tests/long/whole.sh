#!/usr/bin/env bash
# The tests of `make check` that leave out most of their ways there, with all of them.
# timeout: 3600
set -u
status=0
run() { # TEST VARIABLE=VALUE
    mkdir -p "${1//\//.}"
    (cd "${1//\//.}" && env "$2" bash "$SOURCE/tests/$1") || { echo "$1 failed with $2"; status=1; }
}
run unit/entry/preload_test.sh FULL=1
run format/sanitized.sh FULL=1
run kill/program_killed.sh ROUNDS=50
exit $status

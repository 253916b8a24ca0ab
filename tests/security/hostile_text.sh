#!/usr/bin/env bash
# No text that hakmem did not write itself acts on a terminal: every text column of every table of a
# store and of a server, names of programs, files and arguments, messages of SQLite and of a server; every
# command, text and JSON, into a pipe and on a terminal. And 1 MB in each text column end no command (long/hostile_text.sh: 20).
# FULL=1: every question in each of these ways, and each filter of the fleet with each of its words.
# timeout: 1200
set -u
cd "$(dirname "$0")" || exit 2
here=$PWD
BUILD=$(realpath -m "${BUILD:-../../build}")
unset "${!HAKMEM_@}" PAGER LESS NO_COLOR LD_PRELOAD
directory=$(mktemp -d)
# shellcheck source=tests/tools/postgres.sh
. "$here/../tools/postgres.sh"
trap 'end_postgres; rm -rf "$directory"' EXIT
cd "$directory" || exit 2
"$BUILD/tests/cli/make_store" . || { echo "make_store failed"; exit 1; }
cp "$here/../format/v3/golden.db" golden.db && chmod u+w golden.db
case " $* " in
"  " | *" fleet "*)
    start_postgres
    trap 'end_postgres; rm -rf "$directory"' EXIT
    ;;
esac
BUILD=$BUILD python3 "$here/hostile_text.py" "$@"

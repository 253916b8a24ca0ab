#!/usr/bin/env bash
# No text that hakmem did not write itself acts on a terminal: every text column of every table of a
# store and of a server, names of programs, files and arguments, messages of SQLite and of a server; every
# command, text and JSON, into a pipe and on a terminal. And 1 MB in each text column end no command (long/hostile_text.sh: 20).
# In the quick tier: one store.
# FULL=1: every question in each of these ways, and each filter of the fleet with each of its words.
# timeout: 1200
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
here=$SOURCE/tests/security
unset PAGER LESS NO_COLOR
"$BUILD/tests/cli/make_store" . || fail "make_store failed"
cp "$here/../format/v3/golden.db" golden.db && chmod u+w golden.db
! is_quick || set -- stores
case " $* " in
"  " | *" fleet "*) start_postgres ;;
esac
BUILD=$BUILD python3 "$here/hostile_text.py" "$@"

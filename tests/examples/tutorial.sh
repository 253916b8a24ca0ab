#!/usr/bin/env bash
# docs/tutorial.md word by word, in a copy of its program: each command is typed, and says what the page shows.
set -u
unset "${!HAKMEM_@}" CC CFLAGS MAKEFLAGS MAKELEVEL MFLAGS NO_COLOR
cp -r "$SOURCE/examples/tutorial" tutorial && cd tutorial || exit 2
# The page shows the compiler that make takes by itself.
export PATH=$BUILD:$PATH LC_ALL=C.UTF-8
python3 "$SOURCE/tests/examples/tutorial.py" "$SOURCE/docs/tutorial.md"

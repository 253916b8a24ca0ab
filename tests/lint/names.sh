#!/usr/bin/env bash
# A static's name stands once in its room, so that grep finds it and a room compiles as one unit (Makefile). `names.sh FOLDER` looks at another tree.
set -u
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
/usr/bin/python3 "$SOURCE/tests/lint/names.py" "${1:-$SOURCE}" || exit 1

# It sees what it is for: a function and a variable of one name in two files.
mkdir -p "${TMPDIR:-/tmp}/names/src/room" && cd "${TMPDIR:-/tmp}/names" || exit 2
printf 'static int count;\nstatic __attribute__((noinline)) int add(void)\n{\n    return count;\n}\nint first(void) { return add(); }\n' >src/room/a.c
printf 'static int once, count = 1;\nstatic const int *add(int (*f)(void))\n{\n    return 0;\n}\nstatic int (*call)(void) = 0;\n' >src/room/b.c
printf 'static const char *const url = "a://b";\nstatic void (*call)(void);\nstatic _Alignas(16) char count[2];\n' >src/room/c.c
said=$(/usr/bin/python3 "${SOURCE:?}/tests/lint/names.py" .)
expected='src/room: add is a static of a.c, b.c
src/room: call is a static of b.c, c.c
src/room: count is a static of a.c, b.c, c.c'
[ "$said" = "$expected" ] || { echo "names.py says: $said"; exit 1; }

#!/usr/bin/env bash
# Names of functions, files, modules and programs that are made to break a file (line ends, semicolons, quotes, control characters,
# broken UTF-8) break no format: its reader gets each as one name, and the sums are the same.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C.UTF-8 BUILD SOURCE PYTHONDONTWRITEBYTECODE=1
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
"$BUILD/hakmem-trace" run -s server.db --check trace -- ./server >server.out 2>&1 || { cat server.out; exit 1; }
python3 "$SOURCE/tests/export/pprof_text.py" || [ $? -eq 77 ] || exit 1 # says what is left out, and why
python3 "$SOURCE/tests/export/hostile.py" server.db

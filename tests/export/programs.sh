#!/usr/bin/env bash
# Exports of CPython, sqlite3 and a forking server, read by programs that are not hakmem's (protoc, heaptrack_print, perl, google-pprof, python3's
# csv, json and jsonschema), add up to what top and events say, at several moments, for each function. FULL=1: at each moment for
# every store, else at some.
# timeout: 1200
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C BUILD SOURCE PYTHONDONTWRITEBYTECODE=1

record() { # NAME PROGRAM...
    local name=$1
    shift
    "$trace" run -s "$name.db" --check trace -- "$@" >"$name.out" 2>&1 </dev/null || { cat "$name.out"; exit 1; }
}
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
record server ./server
cat >marks.c <<'EOF'
#include <stdlib.h>
#include "hakmem.h"
static void *volatile sink;
int main(void) {
    for (int i = 0; i < 100; i++) sink = malloc(50);
    if (hak_mark) hak_mark("loaded");
    for (int i = 0; i < 100; i++) free(malloc(70));
    if (hak_mark) hak_mark("served");
    return 0;
}
EOF
cc -O1 -g -iquote "$SOURCE/include" -o marks marks.c || exit 1
record marks ./marks
record exec /bin/sh -c 'x=1; exec ./marks'
PYTHONMALLOC=malloc record cpython /usr/bin/python3 -S -E -c 'import json
rows = [{"name": "n%d" % i, "values": list(range(i % 9))} for i in range(120)]
assert json.loads(json.dumps(rows)) == rows'
record sqlite sqlite3 :memory: 'create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all
select i + 1 from n where i < 300) insert into t select i, hex(i * 7919) from n; create index u on t(b); select count(*) from t a join t b on a.b < b.b;'

google=yes
python3 "$SOURCE/tests/export/pprof_text.py" # says what is left out, and why
case $? in 0) ;; 77) google=no ;; *) exit 1 ;; esac
while read -r name program forks; do
    python3 "$SOURCE/tests/export/texts.py" "$name.db" sqlite.db || failed=1
    python3 "$SOURCE/tests/export/pprof.py" "$name.db" "$program" || failed=1
    [ "$google" = no ] || python3 "$SOURCE/tests/export/pprof_text.py" "$name.db" || failed=1
    python3 "$SOURCE/tests/export/perfetto.py" "$name.db" "$forks" || failed=1
    [ "$name" != exec ] || continue
    python3 "$SOURCE/tests/export/heaptrack.py" "$name.db" "$forks" || failed=1
done <<EOF
server server forks
marks marks alone
exec dash forks
cpython $(basename "$(realpath /usr/bin/python3)") alone
sqlite sqlite3 alone
EOF
exit "$failed"

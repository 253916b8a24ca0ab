#!/usr/bin/env bash
# `go tool pprof` (golang-go, 450 MB) reads the profiles that `export pprof` writes of CPython, sqlite3, cc1plus and a forking server: for
# each sample type the sum of each function is that of `top`.
# timeout: 1800
set -u
trace=$BUILD/hakmem-trace
unset "${!HAKMEM_@}"
export LC_ALL=C BUILD SOURCE PYTHONDONTWRITEBYTECODE=1 HOME=$PWD
status=0
compare() { # NAME PROGRAM...
    local name=$1
    shift
    "$trace" run -s "$name.db" --check trace -- "$@" >"$name.out" 2>&1 </dev/null || { cat "$name.out"; status=1; return; }
    python3 "$SOURCE/tests/export/go_pprof.py" "$name.db" || status=1
}
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
compare server ./server
PYTHONMALLOC=malloc compare cpython /usr/bin/python3 -S -E -c 'import json
assert json.loads(json.dumps(list(range(900)))) == list(range(900))'
compare sqlite sqlite3 :memory: 'create table t(a); insert into t values (hex(randomblob(9999))); select length(a) from t;'
printf '#include <utility>\nstd::pair<int, long> f(int a) { return std::make_pair(a, 2L); }\n' >pair.cc
compare cc1plus g++ -O1 -c pair.cc -o pair.o
exit "$status"

#!/usr/bin/env bash
# `go tool pprof` (golang-go, 450 MB) reads the profiles that `export pprof` writes of CPython, sqlite3, cc1plus and a forking server: for
# each sample type the sum of each function is that of `top`. speedscope's own page (its release from npm's registry, 280 KB: needs the
# network) opens what `export speedscope` writes of them, and shows the same sums.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C BUILD SOURCE PYTHONDONTWRITEBYTECODE=1 HOME=$PWD
compare() { # NAME PROGRAM...
    local name=$1
    shift
    "$trace" run -s "$name.db" --check trace -- "$@" >"$name.out" 2>&1 </dev/null || { cat "$name.out"; failed=1; return; }
    python3 "$SOURCE/tests/export/go_pprof.py" "$name.db" || failed=1
}
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
compare server ./server
PYTHONMALLOC=malloc compare cpython /usr/bin/python3 -S -E -c 'import json
assert json.loads(json.dumps(list(range(900)))) == list(range(900))'
compare sqlite sqlite3 :memory: 'create table t(a); insert into t values (hex(randomblob(9999))); select length(a) from t;'
printf '#include <utility>\nstd::pair<int, long> f(int a) { return std::make_pair(a, 2L); }\n' >pair.cc
compare cc1plus g++ -O1 -c pair.cc -o pair.o

release=speedscope-1.25.0.tgz
if curl -sSf -m 120 -o "$release" "https://registry.npmjs.org/speedscope/-/$release" 2>curl.out &&
    echo "7297fd1d64d97f58a32d7049ae4f3b55eff9e2d9d8c7aae57f48144e1be7de8a24ea1eb784b5d539088c7f8e0f4fe5e8579d3770f7ef7e24f980fe6fa23a7a02  $release" | sha512sum --check --quiet 2>sum.out && tar -xzf "$release"; then
    python3 "$SOURCE/tests/export/speedscope_page.py" package/dist/release/index.html {server,cpython,sqlite,cc1plus}.db || failed=1
else
    echo "speedscope's release is not here: $(cat curl.out sum.out 2>/dev/null)"
    failed=1
fi
exit "$failed"

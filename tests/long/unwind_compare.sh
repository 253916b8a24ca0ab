#!/usr/bin/env bash
# The long comparison of hakmem's unwinder with libunwind: more programs, compilers and flags, 30 M stacks.
# ONLY="sqlite3*": these alone.
# timeout: 1800
. "${SOURCE:?}/tests/tools/unwind_compare.sh"
. "$SOURCE/tests/long/sizes"

python=$(readlink -f /usr/bin/python3)
PYTHONMALLOC=malloc compare "python, JSON" "$python" -c '
import json
for i in range(600):
    json.loads(json.dumps([{"a": list(range(50)), "b": "x" * i} for j in range(20)]))'
PYTHONMALLOC=malloc compare "python, regular expressions" "$python" -c '
import re
for i in range(3000):
    re.compile("(a|b){%d}[c-z]+%d" % (i % 9, i)).match("abababcz%d" % i)'
compare "perl, hashes and sorting" perl -e '
    my %h; for (1..300000) { $h{$_} = [$_, "x$_"] } my @s = sort { $a <=> $b } keys %h; print scalar @s'
compare "sqlite3, inserts and sorts" sqlite3 :memory: '
    create table t(a, b, c);
    with recursive r(i) as (select 1 union all select i + 1 from r where i < 500000)
        insert into t select i, random(), hex(randomblob(20)) from r;
    create index x on t(b); select count(*), max(c) from t group by a % 10 order by 2;'
git init -q repository
for i in $(seq 100); do
    seq $((i * 100)) >repository/file
    git -C repository add file && git -C repository -c user.name=a -c user.email=b commit -qm "change $i"
done
compare "git log -p" git -C repository log -p --stat
g++ -E "$programs/templates.cc" -o templates.ii
for flags in -O0 -O2 '-O3 -g'; do
    # shellcheck disable=SC2086
    compare "cc1plus $flags" "$(g++ -print-prog-name=cc1plus)" -quiet -fpreprocessed $flags \
        templates.ii -o templates.s
done
for compiler in g++ clang++; do
    for flags in -O0 -O1 -O2 -O3 -Os '-O2 -fomit-frame-pointer' '-O2 -fno-omit-frame-pointer' \
        '-O3 -march=x86-64-v3' '-O2 -static-libgcc -static-libstdc++' '-O2 -fcf-protection=none'; do
        # shellcheck disable=SC2086
        compile_cxx "$compiler" $flags
        compare "C++, $compiler $flags" ./templates 500
    done
done
for compiler in gcc clang; do
    for flags in -O0 -O2 '-O2 -fomit-frame-pointer' '-O2 -no-pie' '-O2 -Wl,-z,lazy'; do
        # shellcheck disable=SC2086
        "$compiler" -D_GNU_SOURCE $flags "$programs/signals.c" -o signals || complain "cannot compile"
        compare "signals, $compiler $flags" ./signals 5000
        compare "signals, alternate, $flags" ./signals 5000 alternate
    done
done
compile_plugins
compile_c loads -O1
compare "dlopen and dlclose" ./loads 300 ./plugin1.so ./plugin2.so
hammer 1000
if command -v node >/dev/null; then
    compare "node" node -e 'let a = []; for (let i = 0; i < 200000; i++) a.push({x: i, s: "k" + i});
        console.log(JSON.stringify(a).length)'
fi
finish 30000000

#!/usr/bin/env bash
# hakmem's unwinder gives the same stacks as libunwind in real programs: over 200,000 stacks, no difference. FULL=1: over 1 M.
more=1
[ "${FULL:-0}" = 0 ] || more=5
. "${SOURCE:?}/tests/tools/unwind_compare.sh"

python=$(readlink -f /usr/bin/python3)
PYTHONMALLOC=malloc compare "python, JSON" "$python" -c '
import json, sys
for i in range(12 * int(sys.argv[1])):
    json.loads(json.dumps([{"a": list(range(50)), "b": "x" * i} for j in range(20)]))' $more
compare "perl, hashes" perl -e 'my %h; for (1..3000 * shift) { $h{$_} = [$_, "x$_"] } print scalar keys %h' $more
compare "sqlite3, inserts and sorts" sqlite3 :memory: "
    create table t(a, b, c);
    with recursive r(i) as (select 1 union all select i + 1 from r where i < $((more * 4000)))
        insert into t select i, random(), hex(randomblob(20)) from r;
    create index x on t(b); select count(*), max(c) from t group by a % 10 order by 2;"
git init -q repository 2>/dev/null
for i in 1 2 3; do
    seq $((i * 100)) >repository/file
    git -C repository add file
    git -C repository -c user.name=a -c user.email=b commit -qm "change $i"
done
compare "git log -p" git -C repository log -p --stat
echo 'int f(int a, int b) { int s = 0; for (int i = 0; i < a; i++) s += i * b; return s; }' >small.c
compare "cc1 -O2" "$(gcc -print-prog-name=cc1)" -quiet -O2 small.c -o small.s
compare "sh and its children" sh -c 'ls / | sort | head -3'

compile_cxx g++ -O2
compare "C++, g++ -O2" ./templates $((more * 30))
compile_cxx clang++ -O2
compare "C++, clang++ -O2" ./templates $((more * 30))
compile_cxx g++ -O0
compare "C++, g++ -O0" ./templates $((more * 30))

compile_c signals -O2 -fomit-frame-pointer
compare "signals" ./signals $((more * 200))
compare "signals, alternate stack" ./signals $((more * 200)) alternate
compile_plugins
compile_c loads -O1
compare "dlopen and dlclose" ./loads 30 ./plugin1.so ./plugin2.so
[ "$(count unloads)" -ge 60 ] || complain "of 60 unloads and more only $(count unloads) were noticed"
hammer $((more * 40))
finish $((more * 200000))

#!/usr/bin/env bash
# In level light real programs say and do what they do without, with the sampling that light has by itself, and with
# one block in 50 and every block guarded, in two of these by turns, with FULL=1 in all; nothing is reported, and no
# collector is started.
# timeout: 1800
. "${SOURCE:?}/tests/tools/small_programs.sh"

turn=0
# run NAME COMMAND...
run() {
    local name=$1 policy policies
    shift
    run_without "$@"
    turn=$((turn + 1))
    policies=(sample:0 sample:50 all)
    [ "${FULL:-0}" = 1 ] || unset "policies[turn % 3]"
    for policy in "${policies[@]}"; do
        # A collector that was wanted all the same could not be started, and the program would say so.
        HAKMEM_CHECK=light HAKMEM_GUARD=$policy HAKMEM_COLLECT=/nonexistent LD_PRELOAD=$BUILD/hakmem-debug.so "$@" \
            >found.out 2>found.err </dev/null
        compare_with_due "$name $policy" $?
    done
}

cat >work.py <<'END'
import json, os, threading
rows = [{"n": i, "list": [str(j) for j in range(i % 20)]} for i in range(3000)]
def work(out):
    text = json.dumps(rows)
    out.append((len(text), len(json.loads(text))))
out = []
threads = [threading.Thread(target=work, args=(out,)) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(out)
child = os.fork()
if child == 0:
    work(out)
    print("child", out[-1], flush=True)
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
cat >work.cc <<'END'
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>
int main() {
    std::map<std::string, std::vector<int>> m;
    for (int i = 0; i < 1000; i++)
        m[std::to_string(i % 97)].push_back(i);
    for (auto &[name, numbers] : m)
        std::printf("%s %zu\n", name.c_str(), numbers.size());
}
END
cat >work.js <<'END'
const rows = [];
for (let i = 0; i < 20000; i++) rows.push({ n: i, text: Buffer.from(String(i)).toString("base64") });
console.log(JSON.stringify(rows).length);
END
make_inputs 30000

run perl perl -e 'my %h; $h{$_ % 97} .= "x$_" for 1..50000; print join(",", map { length $h{$_} } sort keys %h), "\n"'
run python /usr/bin/python3 work.py
run sqlite sqlite3 -batch :memory: '.read work.sql'
run git git -C repository log --stat
run cc1plus g++ -O2 -S -o - work.cc
g++ -O1 -o compiled work.cc && run compiled ./compiled
run node node work.js

#!/usr/bin/env bash
# The stored profile of cc1plus, CPython, sqlite3, redis and a forking server at 50 moments each, and at their peaks, beside their events one by one.
# PROGRAMS: which of cc1plus, python, sqlite, forks, redis.
# timeout: 7200
# shellcheck disable=SC2016
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"

# record NAME LEVEL COMMAND...: NAME.db, compared
record() {
    [[ " $PROGRAMS " == *" $1 "* ]] || return 0
    "$BUILD/hakmem-trace" run --check "$2" -s "$1.db" -- "${@:3}" >out.txt 2>&1 || complain "$1 failed" "$(tail -n 5 out.txt)"
    /usr/bin/python3 "$SOURCE/tests/profile/rows.py" "$BUILD" "$1.db" 50 || failed=1
    rm -f "$1.db"
}

cat >tree.cc <<'END'
#include <algorithm>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main() {
    std::map<std::string, std::vector<int>> m{{"a", {3, 1}}};
    for (auto &[k, v] : m) std::sort(v.begin(), v.end());
    return std::regex_match("aab", std::regex("a+b")) ? 0 : 1;
}
END
cat >forks.py <<'END'
import json, os
keep = [{'key': str(i) * 5} for i in range(2000)]
for number in range(30):
    if os.fork() == 0:
        made = [json.dumps(keep[:100 + 10 * number]) for _ in range(20)]
        if number % 2:
            keep = None
        os._exit(0)
    junk = [str(i) * 40 for i in range(3000)]
    if number % 3 == 0:
        os.wait()
END
/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 20000 >inserts.sql
record cc1plus trace g++ -std=c++17 -O1 -c tree.cc -o tree.o
record python normal env PYTHONMALLOC=malloc /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 20
record sqlite trace sqlite3 :memory: '.read inserts.sql'
record forks normal env PYTHONMALLOC=malloc /usr/bin/python3 forks.py
ln -sf /usr/bin/redis-check-rdb redis-server
record redis normal bash -c './redis-server --port 0 --unixsocket redis.sock --save "" --logfile redis.log &
    until redis-cli -s redis.sock ping >/dev/null 2>&1; do :; done
    redis-benchmark -s redis.sock -n 20000 -P 16 -r 10000 -q -t set,get,lpush,lpop,hset
    redis-cli -s redis.sock bgsave; redis-cli -s redis.sock shutdown nosave; wait'
exit "$failed"

#!/usr/bin/env bash
# Real programs over the allocator that they have, or over jemalloc: the same output as without hakmem, each of their calls in the
# store, `why` as the reference decoder has it. FULL=1: more of them over jemalloc.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
. "$SOURCE/tests/tools/mimalloc.sh"
export addresses=10

/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 1000 >inserts.sql
/usr/bin/python3 "$SOURCE/tests/tools/make_c.py" 60 >big.c
cat >tree.cc <<'END'
#include <map>
#include <string>
#include <vector>
template <int N> struct node { std::map<std::string, std::vector<int>> m; int f() { m[std::to_string(N)].push_back(N); return N + (int)m.size(); } };
int main() { return node<1>().f() + node<2>().f() != 5; }
END

sqlite() { "${under[@]}" sqlite3 -batch :memory: ".read $top/inserts.sql"; }
python() { "${under[@]}" /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 1; }
perl_counts() {
    # shellcheck disable=SC2016
    "${under[@]}" perl -e 'my (%s, $x); $x = 7; for (1 .. 30000) { $x = ($x * 1103515245 + 12345) % 2147483648; push @{$s{$x % 503}}, "v$x" }
        my $n = 0; $n += length join ",", sort @{$s{$_}} for sort keys %s; print "$n\n"'
}
cc1() { "${under[@]}" gcc -O2 -S -o - "$top/big.c" | sha256sum; }
cc1plus() { "${under[@]}" g++ -std=c++17 -O1 -S -o - "$top/tree.cc" | sha256sum; }
forks() {
    # shellcheck disable=SC2016
    "${under[@]}" bash -c 'for i in 1 2 3 4 5; do (seq $((i * 300)) | sort -r | tail -n 1); done; exec awk "BEGIN { print 7 * 6 }"'
}
# redis is one program under the name of another in Debian's redis-tools, which is linked with jemalloc.
ln -sf /usr/bin/redis-check-rdb redis-server
redis() {
    "${under[@]}" "$top/redis-server" --port 0 --unixsocket redis.sock --save '' --logfile redis.log &
    await redis-cli -s redis.sock ping
    seq 2000 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 50 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }' |
        redis-cli -s redis.sock | sha256sum
    redis-cli -s redis.sock sort list7 alpha limit 0 5
    redis-cli -s redis.sock shutdown nosave
    wait "$!"
    echo "ended with $?"
}

ldd redis-server | grep -q libjemalloc || fail "redis-server is not linked with jemalloc: the story shows less than it should"
for story in sqlite python perl_counts cc1 cc1plus forks redis; do
    echo "$story"
    check_kept "$story"
done
over_jemalloc=(forks)
[ "${FULL:-0}" = 0 ] || over_jemalloc=(sqlite cc1plus forks)
for story in "${over_jemalloc[@]}"; do
    echo "$story, jemalloc"
    allocator=libjemalloc.so.2 check_kept "$story"
done
echo "cc1plus, tcmalloc" # which makes an object by operator new, before anything is recorded
counter='' allocator=libtcmalloc_minimal.so.4 check_kept cc1plus
echo "cc1plus, mimalloc"
allocator="$mimalloc" check_kept cc1plus
exit 0

#!/usr/bin/env bash
# Real programs give the same output under the plain library as without it.
# timeout: 1800
# shellcheck disable=SC2317
. "${SOURCE:?}/tests/tools/test.sh"

# same NAME COMMAND...: stdout, stderr and exit status with libhakmem.so are those without.
same() {
    local name=$1 due=0 got=0
    shift
    "$@" >due.out 2>due.err </dev/null || due=$?
    LD_PRELOAD=$BUILD/libhakmem.so "$@" >got.out 2>got.err </dev/null || got=$?
    if [ "$due" -ne "$got" ] || ! cmp -s due.out got.out || ! cmp -s due.err got.err; then
        echo "$name: status $got (due $due); differences:"
        diff due.out got.out | head -n 5
        diff due.err got.err | head -n 5
        failed=1
    fi
    [ -s due.out ] || complain "$name printed nothing even without hakmem; the comparison is empty"
}

cat >counts.pl <<'END'
my %seen; my $x = 7;
for (1 .. 200000) { $x = ($x * 1103515245 + 12345) % 2147483648; push @{$seen{$x % 5003}}, "v$x"; }
my $n = 0; for my $k (sort keys %seen) { $n += length join ",", sort @{$seen{$k}}; delete $seen{$k} if $n % 3; }
print "$n ", scalar(keys %seen), "\n";
END
cat >unit.c <<'END'
#include <stdio.h>
#include <string.h>
struct tree { struct tree *left, *right; int key; };
static int depth(const struct tree *t) { return t ? 1 + (depth(t->left) > depth(t->right) ? depth(t->left) : depth(t->right)) : 0; }
int main(int argc, char **argv) { struct tree t = {0}; printf("%d %s\n", depth(&t), argv[argc - 1]); return (int)strlen(argv[0]) == 0; }
END
/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 20000 >inserts.sql

same python3 env PYTHONMALLOC=malloc /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 5
same python3-own-pools /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 5
same perl perl counts.pl
same sqlite3 sqlite3 -batch :memory: '.read inserts.sql'
same gcc gcc -O2 -Wall -S -o - unit.c

export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a HOME=$PWD
git_story() {
    rm -rf repo && git init -q repo && cd repo || return 1
    local i
    for i in 1 2 3 4 5; do
        seq "$i" $((i * 700)) >numbers && git add numbers && git commit -q -m "step $i" || return 1
    done
    git log -p --stat && git gc -q && git fsck --full && git rev-parse HEAD
}
export -f git_story
same git bash -c git_story

# redis is one program under the name of another in Debian's redis-tools.
ln -sf /usr/bin/redis-check-rdb redis-server
redis_story() {
    local server i
    ./redis-server --port 0 --unixsocket "$PWD/redis.sock" --save '' --daemonize no --logfile redis.log &
    server=$!
    for i in $(seq 100); do redis-cli -s redis.sock ping >/dev/null 2>&1 && break; sleep 0.1; done
    {
        seq 20000 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 50 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }'
        echo 'dbsize'
        echo 'sort list7 alpha limit 0 5'
        echo 'eval "local t = {} for i = 1, 2000 do t[i] = tostring(i) end return #table.concat(t)" 0'
    } | redis-cli -s redis.sock | sha256sum
    redis-cli -s redis.sock shutdown nosave
    wait "$server"
}
export -f redis_story
same redis bash -c redis_story
exit "$failed"

#!/usr/bin/env bash
# Real programs in every level, with every policy of guarded blocks and on every side: no report, and output, errors and
# exit status as without hakmem; of recorded runs `check` finds nothing, and `info` says what was not guarded.
#
#     tests/long/policies.sh [PROGRAM...]    prints tables of Markdown for docs/benchmarks; PROGRAMS: the same
# timeout: 14400
# shellcheck disable=SC2016,SC2317
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
# An unprivileged user, as whom PostgreSQL runs, must reach all of it.
cleanup() { rm -rf "$top"; }
top=$(mktemp -d /tmp/hakmem-policies.XXXXXX) && chmod 755 "$top" && mkdir "$top/made" &&
    cp "$BUILD"/{hakmem-trace,hakmem-collect,hakmem-debug.so,libhakmem.so} "$top/made" && cd "$top" || exit 2
BUILD=$top/made
export LC_ALL=C TZ=UTC HOME=$top top
trace=$BUILD/hakmem-trace

complain() { echo "$*" >&2; failed=1; }

# ---- programs: each runs in an empty directory below this one --------------------------------------
story_gzip() { gzip -9 -c ../big.c >a.gz && gzip -t a.gz && gzip -dc a.gz | cksum && wc -c <a.gz; }
story_busybox() {
    busybox tar cf a.tar -C .. project && busybox tar tf a.tar | busybox sort | busybox cksum
    busybox seq 3000 | busybox awk '{ a[$1 % 100] = a[$1 % 100] $1 } END { for (i = 0; i < 100; i++) n += length(a[i]); print n }'
    busybox sed -n 's/int/long/gp' ../big.c | busybox sort -r | busybox uniq -c | busybox md5sum
    busybox find .. -name '*.txt' | busybox sort | busybox diff - /dev/null | busybox tail -n 3
    busybox sh -c 'for i in 1 2 3; do x=$x$i; done; f() { echo "$1" "$(echo "$x")"; }; f a'
}
story_xz() { xz -T2 -c ../big.c | xz -dc | cksum; }
story_bash() {
    bash -c 'for i in {1..500}; do a[i]=$i; x+=${a[i]}; done; declare -A m; for i in {1..300}; do m[k$i]=$((i * i)); done
        f() { [ "$1" -le 1 ] && { echo 1; return; }; echo $(($(f $(($1 - 1))) + $1)); }
        echo ${#x} ${m[k77]} $(f 8); trap "echo bye" EXIT; [[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo ${BASH_REMATCH[2]}; exit 3'
}
story_perl() {
    perl -e 'my %h; push @{$h{$_ % 501}}, "v$_" for 1 .. 20000; print length join ",", map { @{$h{$_}} } sort { $a <=> $b } keys %h; print "\n";
        my $t = join " ", map { "word$_" } 1 .. 500; $t =~ s/(\w+?)(\d+)/uc($1) . $2 * 2/ge; print length $t, "\n"; if (my $p = fork) { waitpid $p, 0; print $? >> 8, "\n" } else { exit 5 }'
}
story_sqlite3() { sqlite3 -batch a.db '.read ../inserts.sql' && sqlite3 -batch a.db 'pragma integrity_check'; }
story_git() {
    export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
    git init -q -b main r && cd r && cp ../../big.c . && git add big.c && git -c user.name=a -c user.email=a commit -q -m a
    seq 200 >>big.c
    git diff --stat
    git -c user.name=a -c user.email=a commit -q -a -m b
    git log -p --stat | cksum
    git blame big.c | wc -l
    git gc -q && git fsck --full && git rev-parse HEAD
}
story_cc1plus() { g++ -O2 -frandom-seed=1 -S -o - ../tree.cc | cksum; }
story_clang() { clang -O2 -S -o - ../small.c | cksum; }
story_vim() {
    cp ../big.c v.c
    vim.tiny -u NONE -es -c '%s/int/long/g' -c 'for i in range(300)|call append(0, repeat("x", i % 80))|endfor' -c sort -c wq v.c
    cksum <v.c
}
story_openssl() {
    openssl dgst -sha512 ../big.c
    openssl rsa -in ../key.pem -text -noout | cksum
    openssl req -x509 -new -key ../key.pem -subj /CN=a -set_serial 1 | openssl x509 -noout -subject
}
story_xmllint() { xmllint --format ../tree.xml | cksum; }
story_groff() { groff -man -Tutf8 ../page.1 | cksum; }
story_python() { /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 2; }
story_python_malloc() { PYTHONMALLOC=malloc /usr/bin/python3 "$SOURCE/tests/tools/classes.py" 1; }
# CPython's own tests of json, where a CPython with its tests is installed.
story_python_tests() {
    "$python_with_tests" -m unittest test.test_json 2>&1 | sed 's/^\(Ran .* in\) .*/\1/'
    return "${PIPESTATUS[0]}"
}
story_node() { node "$SOURCE/tests/tools/node_story.js" 1; }
story_redis() {
    local server
    ln -s /usr/bin/redis-check-rdb redis-server # one program under the name of another in Debian's redis-tools
    ./redis-server --port 0 --unixsocket redis.sock --save '' --logfile redis.log &
    server=$!
    until redis-cli -s redis.sock ping >pong 2>&1; do kill -0 "$server" || return; sleep 0.05; done
    cat pong
    seq 3000 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 50 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }' |
        redis-cli -s redis.sock | cksum
    redis-cli -s redis.sock sort list7 alpha limit 0 5
    redis-cli -s redis.sock eval 'local t = {} for i = 1, 2000 do t[i] = tostring(i) end return #table.concat(t)' 0
    redis-cli -s redis.sock debug jmap 2>/dev/null | head -n 1
    redis-cli -s redis.sock bgsave
    while redis-cli -s redis.sock info persistence | grep -q 'rdb_bgsave_in_progress:1'; do sleep 0.05; done
    redis-cli -s redis.sock info persistence | grep rdb_last_bgsave_status
    redis-cli -s redis.sock shutdown nosave
    wait "$server"
    echo "redis: $?"
    grep -c 'BUG\|crashed' redis.log
}
story_postgresql() {
    local as_user=() bin
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do :; done
    [ "$(id -u)" -ne 0 ] || { chown nobody . && as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups); }
    export PATH=$bin:$PATH PGHOST=$PWD PGUSER=somebody HOME=/nonexistent
    "${as_user[@]}" initdb --no-sync -A trust -U somebody -D data >initdb.out || cat initdb.out
    "${as_user[@]}" pg_ctl -D data -o "-F -c listen_addresses= -c unix_socket_directories=$PWD" -l log -t 600 -w start >start.out || cat start.out log
    "${as_user[@]}" psql -X -A -t postgres <<'QUERIES'
create table texts as select i, md5(i::text) t, jsonb_build_object('n', i, 'list', array[i, i * 2]) j from generate_series(1, 2000) i;
create index on texts(t);
select count(*), max(j->>'n') from texts a join texts b using (t) where a.j @> '{"n": 77}' or b.i % 3 = 0;
select t from texts order by t collate "C" desc limit 2;
select 1 / 0;
vacuum analyze;
QUERIES
    "${as_user[@]}" pg_ctl -D data -m fast -t 600 stop
}

make_inputs() {
    /usr/bin/python3 "$SOURCE/tests/tools/make_c.py" 300 >big.c
    /usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 2000 >inserts.sql
    cat >small.c <<'END'
struct tree { struct tree *left, *right; int key; };
int depth(const struct tree *t) { return t ? 1 + (depth(t->left) > depth(t->right) ? depth(t->left) : depth(t->right)) : 0; }
END
    cat >tree.cc <<'END'
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>
struct base { virtual ~base() {} virtual int f() = 0; };
template <int N> struct node : base { std::map<std::string, std::vector<int>> m; int f() override { m[std::to_string(N)].push_back(N); return N + (int)m.size(); } };
int sum() { std::vector<std::unique_ptr<base>> v; v.emplace_back(new node<1>); v.emplace_back(new node<2>); int s = 0; for (auto &x : v) s += x->f(); return s; }
END
    {
        printf '.TH A 1\n.SH NAME\na \\- b\n.SH OPTIONS\n'
        for i in $(seq 150); do printf '.TP\n.B -%s\nSome text about the option \\fI%s\\fP that fills a few lines of the page.\n' "$i" "$i"; done
    } >page.1
    { echo '<a>' && seq -f '<b n="%g">text <c/>&amp; more</b>' 1500 && echo '</a>'; } >tree.xml
    mkdir project && for i in $(seq 20); do seq "$i" >"project/$i.txt"; done
    openssl genrsa -out key.pem 2048 2>/dev/null
    # Each stack is one that this file names; of the blocks the first 1,000 are guarded.
    printf 'hakmem-only 1\nstack from=1 to=1000\n  *\n' >every.only
    for python_with_tests in /usr/bin/python3 $(type -ap python3); do
        "$python_with_tests" -c 'import test.test_json' 2>/dev/null && break
        python_with_tests=
    done
    export python_with_tests
}

# ---- ways ------------------------------------------------------------------------------------------
# Each line: a name, then variables; `recorded` in front of them for a run with a store.
ways() {
    local level policy side
    for level in trace normal; do
        echo "$level HAKMEM_CHECK=$level"
        for policy in sites:4 only:"$top/every.only" all; do
            for side in after before both; do
                echo "$level,${policy%%:/*},$side HAKMEM_CHECK=$level HAKMEM_GUARD=$policy HAKMEM_GUARD_SIDE=$side"
            done
        done
        echo "$level,all,after,strings HAKMEM_CHECK=$level HAKMEM_GUARD=all HAKMEM_CHECK_STRING=1"
        echo "$level,all,both,recorded recorded HAKMEM_CHECK=$level HAKMEM_GUARD=all HAKMEM_GUARD_SIDE=both"
    done
    echo "normal,off,strings HAKMEM_CHECK=normal HAKMEM_CHECK_STRING=1"
    echo "normal,off,watch HAKMEM_CHECK=normal HAKMEM_WATCH=2"
    echo "normal,sites:4,both,watch,strings HAKMEM_CHECK=normal HAKMEM_GUARD=sites:4 HAKMEM_GUARD_SIDE=both HAKMEM_WATCH=2 HAKMEM_CHECK_STRING=1"
    echo "normal,only,after,watch HAKMEM_CHECK=normal HAKMEM_GUARD=only:$top/every.only HAKMEM_WATCH=4"
    echo "normal,all,after,1M HAKMEM_CHECK=normal HAKMEM_GUARD=all HAKMEM_GUARD_MEMORY=1M"
    echo "normal,all,both,1G HAKMEM_CHECK=normal HAKMEM_GUARD=all HAKMEM_GUARD_SIDE=both HAKMEM_GUARD_MEMORY=1G"
    echo "normal,sample:20 HAKMEM_CHECK=normal HAKMEM_GUARD=sample:20"
    echo "normal,sites:4,both,recorded recorded HAKMEM_CHECK=normal HAKMEM_GUARD=sites:4 HAKMEM_GUARD_SIDE=both"
    echo "light,off HAKMEM_CHECK=light HAKMEM_GUARD=off"
    for policy in sample:0 sample:20 only:"$top/every.only" all; do
        for side in after before both; do
            echo "light,${policy%%:/*},$side HAKMEM_CHECK=light HAKMEM_GUARD=$policy HAKMEM_GUARD_SIDE=$side"
        done
    done
}
# To the byte, for programs that work at odd addresses.
byte_ways() {
    local policy
    for policy in sites:4 all; do
        echo "trace,$policy,byte HAKMEM_CHECK=trace HAKMEM_GUARD=$policy HAKMEM_GUARD_ALIGN=1"
        echo "normal,$policy,byte HAKMEM_CHECK=normal HAKMEM_GUARD=$policy HAKMEM_GUARD_ALIGN=1"
    done
    echo "light,sample:20,byte HAKMEM_CHECK=light HAKMEM_GUARD=sample:20 HAKMEM_GUARD_ALIGN=1"
}

# tell WAY STORY COMMAND...: the story below the command, in a directory of its own.
tell() {
    local way=$1 story=$2 status=0
    shift 2
    rm -rf "${top:?}/run" && mkdir -m 755 "$top/run"
    (cd "$top/run" && "$@" bash -c "story_$story") </dev/null >"$way.out" 2>"$way.err" || status=$?
    echo "$status" >"$way.status"
}

# compare WAY STORY NAME
compare() {
    local part
    for part in status out err; do
        cmp -s "due.$part" "$1.$part" && continue
        complain "$2, $3: another $part than without hakmem (< without, > with):"
        diff "due.$part" "$1.$part" | head -n 12 >&2
    done
}

# run STORY NAME [recorded] VARIABLE=VALUE...
run() {
    local story=$1 name=$2
    shift 2
    rm -f found.* store.db*
    : >log && chmod 666 log
    if [ "$1" = recorded ]; then
        shift
        tell found "$story" env "$@" HAKMEM_LOG="$top/log" "$trace" run --wait --max 512M --store "$top/store.db" --
        "$trace" check -s store.db >check.out 2>&1 || complain "$story, $name: $(head -n 5 check.out)"
        said=$("$trace" info -s store.db | sed -n 's/^guarded *//p')
        case $said in
        *block*) rows+="| $story | ${name%,recorded} | $said |"$'\n' ;;
        *) complain "$story, $name: info does not say what was guarded" ;;
        esac
    else
        tell found "$story" env HAKMEM_TRACE=off "$@" HAKMEM_LOG="$top/log" LD_PRELOAD="$BUILD/hakmem-debug.so"
    fi
    compare found "$story" "$name"
    [ ! -s log ] || complain "$story, $name: $(head -n 30 log)"
    [ -z "$(find . -name 'hakmem.*.db*')" ] || complain "$story, $name: left a store"
    runs=$((runs + 1))
}

bears_odd_addresses() {
    case $1 in python* | node | redis | postgresql) return 1 ;; esac
}

make_inputs
mapfile -t stories < <(declare -F | sed -n 's/^declare -fx* story_//p')
for story in "${stories[@]}"; do
    # shellcheck disable=SC2163
    export -f "story_$story"
done
rows="" runs=0
echo '| program | ways | same output, no report |'
echo '|---|---|---|'
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- ${PROGRAMS:-"${stories[@]}"}
for story; do
    [ "$story" != python_tests ] || [ -n "$python_with_tests" ] || { echo "| $story | | not installed |" && continue; }
    tell due "$story" env
    [ -s due.out ] || complain "$story prints nothing even without hakmem; the comparison is empty"
    before=$failed failed=0 runs=0
    while read -r name variables; do
        # shellcheck disable=SC2086
        run "$story" "$name" $variables
    done < <(ways && { ! bears_odd_addresses "$story" || byte_ways; })
    echo "| $story | $runs | $([ $failed -eq 0 ] && echo all || echo '**not all**') |"
    failed=$((failed | before))
done
printf '\n| program | level, policy, side | guarded, by `info` |\n|---|---|---|\n%s' "$rows"
exit $failed

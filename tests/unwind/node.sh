#!/usr/bin/env bash
# node: stacks run through compiled JavaScript and V8's builtins, which have no call frame information, to
# main; they are marked, and have the names that node leaves for perf.
. "${SOURCE:?}/tests/tools/chains.sh"

cat >story.js <<'END'
function leaf(i) {
    let list = [];
    for (let k = 0; k < 50; k++) list.push({ number: i, text: 'k' + k });
    return JSON.stringify(list);
}
function middle(i) { return leaf(i).length + Buffer.alloc(20000).length; }
let sum = 0;
for (let i = 0; i < 1500; i++) sum += middle(i);
console.log(sum);
END
record node story.js
[ "$(cat out)" = 32106000 ] || fail "node printed $(cat out)"
read -r guessed cut all < <("$trace" sql -s store.db "
    SELECT sum(flags & 8 <> 0), sum(flags & 4 <> 0), count(*) FROM event WHERE stack <> 0")
echo "$all stacks, $guessed over code without call frame information, $cut cut short"
[ "$guessed" -gt 1000 ] || fail "only $guessed stacks of node go over code without call frame information"
ends=$("$trace" sql -s store.db "
    WITH RECURSIVE e AS (SELECT DISTINCT stack FROM event WHERE flags = 8 LIMIT 200),
      walk(node, parent) AS (SELECT n.id, n.parent FROM e JOIN node n ON n.id = e.stack
        UNION SELECT n.id, n.parent FROM walk JOIN node n ON n.id = walk.parent)
    SELECT DISTINCT f.function FROM walk JOIN node_frame f ON f.node = walk.node WHERE walk.parent = 0
      ORDER BY 1")
for function in $ends; do
    case $function in _start | clone3 | __clone | clone | *start_thread*) ;; *) fail "stacks end at $function" ;; esac
done
[ -n "$ends" ] || fail "no stack has an end"

# Names of compiled JavaScript, where node leaves them for perf: a map without lines of code, a jitdump with them. By
# pid 1 of another namespace, too, with a /tmp of its own. A function that V8 only interprets has no name, and node's versions
# compile at other times: all is compiled at the first call.
expect_names() {
    for function in leaf middle; do
        found=$("$trace" sql -s store.db "
            SELECT count(*) > 0 FROM frame WHERE module = 0 AND function = '$function' AND file = '${3:-$PWD}/story.js'")
        [ "$found" = 1 ] || fail "$1: no frame is named $function"
    done
    found=$("$trace" sql -s store.db "SELECT group_concat(DISTINCT line) FROM
        (SELECT line FROM frame WHERE module = 0 AND function = 'leaf' ORDER BY line)")
    [[ $found =~ $2 ]] || fail "$1: the lines of leaf are $found"
    "$trace" info -s store.db | grep -Eq "^made code +process [0-9]+ \(pid [0-9]+\): [0-9]+ of [0-9]+ places have names${4-}$" ||
        fail "$1: info says nothing of names, or more: $("$trace" info -s store.db | grep '^made code')"
}
at_once=--always-sparkplug
node $at_once -e 0 2>/dev/null || at_once=--always-opt # before node 16
map_of() { echo "/tmp/perf-$("$trace" sql -s store.db 'SELECT max(pid) FROM process').map"; }
record node $at_once --perf-basic-prof story.js
rm -f "$(map_of)"
expect_names "perf map" '^1$'
record node $at_once --perf-prof story.js
# The V8 of node 12 ends some names of node's own files without a NUL, so that the lines of these functions cannot be read.
broken=
case $(node --version) in v12.*) broken='; its jitdump has [0-9]+ broken entr(y|ies), which (is|are) passed over' ;; esac
expect_names "jitdump" '^([134],)*[34]$' "$PWD" "$broken"
rm -f jit-*.dump
if [ "$(id -u)" = 0 ] && [[ $BUILD != /tmp/* ]] && unshare -p -m -f --mount-proc true 2>/dev/null; then
    mkdir private && cp story.js private || exit 1
    # shellcheck disable=SC2016
    record unshare -p -m -f --mount-proc sh -c 'mount --bind "$0" /tmp && cd / && exec node $1 --perf-basic-prof /tmp/story.js' "$PWD/private" $at_once
    [ -e private/perf-1.map ] || fail "node in a namespace left no perf-1.map: $(ls private)"
    expect_names "perf map in a namespace" '^1$' /tmp
fi

# A file that another user left is not read, and that is said.
if [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2016
    record node --perf-basic-prof -e 'require(process.argv[1]); require("fs").chownSync("/tmp/perf-" + process.pid + ".map", 65534, 65534)' \
        "$PWD/story.js"
    rm -f "$(map_of)"
    "$trace" info -s store.db | grep -q "a file with names is another user's: not read" || fail "info does not say what is not read"
    found=$("$trace" sql -s store.db "SELECT count(*) FROM frame WHERE module = 0")
    [ "$found" = 0 ] || fail "$found names of another user's file"
fi
exit 0

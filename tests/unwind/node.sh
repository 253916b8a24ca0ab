#!/usr/bin/env bash
# node: stacks run through compiled JavaScript and V8's builtins, which have no call frame information, to
# main; they are marked, and have the names that node leaves for perf.
set -u
. "$SOURCE/tests/tools/chains.sh"

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

# Names of compiled JavaScript, where node leaves them for perf.
record node --perf-basic-prof story.js
rm -f "/tmp/perf-$("$trace" sql -s store.db 'SELECT pid FROM process WHERE id = 1').map"
for function in leaf middle; do
    found=$("$trace" sql -s store.db "
        SELECT count(*) > 0 FROM frame WHERE module = 0 AND function LIKE '%:%$function %story.js%'")
    [ "$found" = 1 ] || fail "no frame is named $function"
done

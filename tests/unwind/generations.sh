#!/usr/bin/env bash
# Plugins that take each other's place in memory while threads allocate: every stack names the functions
# of the plugin that was loaded then.
. "${SOURCE:?}/tests/tools/chains.sh"
from=$SOURCE/tests/unwind rounds=60

for kind in '1 first_plugin 16' '2 second_plugin 400'; do
    read -r number name room <<<"$kind"
    gcc -g -O1 -fPIC -shared -DNAME="$name" -DROOM="$room" "$from/generation.c" -o "plugin$number.so" ||
        fail "the plugins cannot be compiled"
done
gcc -g -O1 "$from/generations.c" -o generations -pthread -ldl || fail "the program cannot be compiled"
record ./generations $rounds ./plugin1.so ./plugin2.so
[ "$(cat out)" -ge $((rounds / 2)) ] ||
    fail "the plugins lay at the same place only $(cat out) times of $((2 * rounds)): this shows nothing"
"$trace" sql -s store.db "
    SELECT e.size, e.flags, f.function, count(*) FROM event e JOIN node n ON n.id = e.stack
      JOIN node_frame f ON f.node IN (n.id, n.parent)
      WHERE e.kind = 'MALLOC' AND e.size IN (1401, 1402) GROUP BY 1, 2, 3 ORDER BY 1, 3" >chains
printf '%s\t0\t%s\t'$rounds'\n' 1401 first_plugin 1401 plugin_work 1402 plugin_work 1402 second_plugin >due
diff -u due chains || fail "stacks name functions of the wrong plugin"

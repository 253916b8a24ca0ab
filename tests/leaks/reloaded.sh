#!/usr/bin/env bash
# Stacks through a library that was unloaded and loaded again, or through a copy of its file, are one place in the list of leaks, with the ages of all.
. "${SOURCE:?}/tests/tools/test.sh"
here=$SOURCE/tests/leaks
cc=${CC:-cc}
"$cc" -w -O1 -g -o reloaded "$here/reloaded.c" -ldl && "$cc" -w -O0 -g -shared -fPIC -o one.so "$here/library.c" && cp one.so two.so || exit 2

"$trace" run --check trace --leaks -s leaks.db -- ./reloaded "$PWD/one.so" "$PWD/two.so" >said 2>&1 ||
    complain "status $?: $(cat said)"
grep -q 'Direct leak of 13,320 byte(s) in 40 object(s)' said || complain "no place of 40 blocks: $(cat said)"
grep -q '40 direct leaks at 1 place,' said || complain "more places than one: $(cat said)"
places=$("$trace" sql -s leaks.db "SELECT kind, count, bytes, newest_ns > oldest_ns FROM leak ORDER BY kind" | tr '\t' ' ')
[ "$places" = $'direct 40 13320 1\nindirect 40 800 1' ] || complain "the store has: $places"
births=$("$trace" sql -s leaks.db "SELECT min(e.ns) = l.oldest_ns, max(e.ns) = l.newest_ns FROM event e, leak l WHERE e.kind = 'MALLOC' AND e.size = 333 AND l.kind = 'direct'" | tr '\t' ' ')
[ "$births" = "1 1" ] || complain "the ages are not those of all: $births"
:

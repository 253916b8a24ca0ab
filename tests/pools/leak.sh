#!/usr/bin/env bash
# A lost piece of a pool names the pool in the report, in `leaks`, in its JSON and in SARIF; pieces of two pools with one stack name none.
. "${SOURCE:?}/tests/tools/test.sh"
# Each value of the member NAME in the JSON of FILE, once: `values NAME FILE`.
values() {
    python3 - "$@" <<'END' | sort -u
import json
import sys

def walk(node):
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        if name == sys.argv[1] and value:
            print(value)
        if isinstance(value, (dict, list)):
            walk(value)

walk(json.load(open(sys.argv[2])))
END
}
"${CC:-cc}" -g -O0 -I"$SOURCE/include" -o pool_leak "$SOURCE/tests/faults/pool_leak.c" || exit 2
"$trace" run --ci -s leak.db -- ./pool_leak >said 2>&1
status=$?
[ $status -eq 1 ] || complain "run --ci: status $status: $(cat said)"
[ "$(grep -c '^ *served by own pool 1 "rows"$' leak.log)" = 2 ] || complain "the report: $(cat leak.log)"
"$trace" leaks -s leak.db >page
[ "$(grep -c 'own pool 1 "rows"' page)" = 2 ] || complain "leaks: $(cat page)"
"$trace" leaks -s leak.db --json >leak.json
values layer leak.json >page
[ "$(cat page)" = 'own pool 1 "rows"' ] || complain "JSON: $(cat page)"
values layer leak.sarif >page
[ "$(cat page)" = 'own pool 1 "rows"' ] || complain "SARIF: $(cat page)"

cat >two.c <<'C'
#include <hakmem.h>
static char *memory[2];
int main(void) {
    static char first[4096], second[4096];
    memory[0] = first;
    memory[1] = second;
    for (int i = 0; i < 2 && hak_pool_create; i++)
        hak_pool_create(memory[i], i ? "second" : "first");
    for (int i = 0; i < 4; i++) {
        hak_pool_alloc(memory[i % 2], memory[i % 2] + 64 * (i + 1), 48);
        if (i < 2)
            hak_pool_free(memory[i], memory[i] + 64 * (i + 1));
    }
    return 0;
}
C
"${CC:-cc}" -g -O0 -I"$SOURCE/include" -o two two.c && "$trace" run --leaks -s two.db -- ./two >said 2>&1
grep -q 'served by own pool' said && ! grep -q 'own pool [0-9]' said || complain "two pools: $(cat said)"
exit "$failed"

#!/usr/bin/env bash
# diff of two builds of a program, in other folders and at other addresses, shows the one function that changed; its sums are those of top.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
mkdir old new
cat >old/table.c <<'END'
#include <stdlib.h>
static void *volatile sink;
__attribute__((noinline)) void load(int n) { for (int i = 0; i < n; i++) sink = malloc(100); }
__attribute__((noinline)) void parse(int n) { for (int i = 0; i < n; i++) { sink = malloc(64); free(sink); } }
__attribute__((noinline)) void keep(void) { sink = malloc(5000); }
int main(void) { load(50); parse(30); keep(); return 0; }
END
# The same lines: load takes more, parse frees later, more stands in front of all functions in the file.
sed -e 's/^static void \*volatile sink;$/& int filler(int x) { return x * 3; } int filler_2(int x) { return filler(x) - 5; }/' \
    -e 's/load(50)/load(80)/; s/ keep();//' -e 's/parse(30)/parse(31)/' old/table.c >new/table.c
(cd old && cc -g -O1 table.c -o ../table_old) && (cd new && cc -g -O1 table.c -o ../table_new) || exit 1
for which in old new; do
    "$trace" run -s "$which.db" --check trace -- "./table_$which" >"$which.out" 2>&1 || { cat "$which.out"; exit 1; }
    for per in function line stack; do "$trace" top --json --limit 0 --at end --per "$per" -s "$which.db" >"$which.$per"; done
done
for per in function line stack; do
    "$trace" diff --json --limit 0 --at end --per "$per" old.db new.db >"diff.$per" || fail "diff --per $per: status $?"
done
"$trace" diff --json --limit 0 --by calls old.db new.db >diff.calls
"$trace" diff --json --limit 0 --by short-lived old.db new.db >diff.short
"$trace" diff --json --limit 0 --at end old.db old.db >diff.same
python3 - <<'END'
import json

def read(name):
    with open(name) as file:
        return json.load(file)

def same(what, found, due):
    if found != due:
        raise SystemExit(f'{what}: {found} where {due} was due')

def changes(name):
    return {r['function'] or r['name']: r['change'] for r in read(name)['rows'] if r['change']}

same('bytes', changes('diff.function'), {'load': 3000, 'keep': -5000})
same('calls', changes('diff.calls'), {'load': 30, 'keep': -1, 'parse': 1})
same('short-lived', changes('diff.short'), {'parse': 1})
same('the same capture', changes('diff.same'), {})
same('by line', sorted(r['change'] for r in read('diff.line')['rows'] if r['change']), [-5000, 3000])
# main's line moved on neither side: so the stacks are the same ones, but for the one that is gone
same('by stack', sorted(r['change'] for r in read('diff.stack')['rows'] if r['change']), [-5000, 3000])
for per in ('function', 'line', 'stack'):
    document = read(f'diff.{per}')
    for side in ('old', 'new'):
        top = read(f'{side}.{per}')
        same(f'{side}, {per}, total', document[side]['total'], top['total'])
        same(f'{side}, {per}, sum', sum(r[side]['live_bytes'] for r in document['rows']), top['total']['live_bytes'])
        blocks = sorted(r[side]['live_blocks'] for r in document['rows'] if r[side]['live_blocks'])
        if per != 'stack':  # several stacks may read alike
            same(f'{side}, {per}, blocks', blocks, sorted(r['self']['live_blocks'] for r in top['rows'] if r['self']['live_blocks']))
END

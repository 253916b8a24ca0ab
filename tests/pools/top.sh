#!/usr/bin/env bash
# `top --pools` counts the pieces of the program's own pools by place and pool: what is live, was allocated and freed; at their peak, at a moment, in a
# span and in each process of a fork. Pools of one name are one, a pool ends where another one takes its address, and what pieces do not have is refused.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -O1 -g -I"$SOURCE/include" -o pools "$SOURCE/tests/pools/top.c" || exit 2
top() { "$trace" top --pools -s "$@"; }
# says STORE COMMAND LINE...: the lines of the table, but for its heading and shares.
says() {
    local of=$1 words=$2
    shift 2
    # shellcheck disable=SC2086
    top "$of" $words >page || complain "$words: status $?"
    sed '1d;/^$/,$d' page | sed -E 's/^ *(<? *-?[0-9.e]+ %)? *//; s/ {2,}/ | /g' >found
    printf '%s\n' "$@" | diff -u --label "$words, due" --label found - found || failed=1
}
for level in trace normal; do
    "$trace" run --check $level -s $level.db -- ./pools || fail "$level: status $?"
    says $level.db '--per line' '200 | 5 | 200 | new_row | pools/top.c:13 | 1 "rows"' '200 | 20 | 200 | serve | pools/top.c:18 | 2'
    says $level.db '--per pool' '200 | 5 | 1 "rows"' '200 | 20 | 2'
    says $level.db '--at mark:parted --per pool' '160 | 4 | 1 "rows"' '10 | 1 | 2'
    says $level.db '--at end --per pool' '340 | 8 | 1 "rows"' '20 | 2 | 2'
    says $level.db '--by calls --per pool' '23 | 230 | +20 | 2' '7 | 300 | +340 | 1 "rows"' '4 | 160 | 0 | "temporary", 2 pools' '1 | 7 | 0 | 5 "late"'
    says $level.db '--between mark:served mark:parted --per pool' '0 | 4 | 160 | "temporary", 2 pools' '-40 | 1 | 40 | 1 "rows"' '-190 | 3 | 30 | 2'
    says $level.db '--by calls --process #2 --per pool' '1 | 60 | +180 | 1 "rows"' '0 | 0 | +10 | 2'
    top $level.db --per pool --by calls | grep -q '^35 pieces of 697 bytes allocated, 30 of 507 bytes freed, grown by 360 bytes' || complain "the total: $(cat page)"
    top $level.db --tree | grep -q '> new_row\|  new_row' || complain "--tree: $(top $level.db --tree)"
    top $level.db --by calls --json >page.json
    python3 - page.json <<'P' || complain "JSON: $(cat page.json)"
import json, sys
rows = {(r["name"], r["pool"]): (r["pool_number"], r["pool_count"], r["self"]["allocated_blocks"], r["self"]["freed_bytes"])
        for r in json.load(open(sys.argv[1]))["rows"]}
due = {("serve", None): (2, 1, 23, 220), ("new_row", "rows"): (1, 1, 6, 120), ("new_row", "temporary"): (None, 2, 4, 160),
       ("main", "rows"): (1, 1, 1, 0), ("new_row", "late"): (5, 1, 1, 7)}
sys.exit(rows != due)
P
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" page.json >valid 2>&1 || complain "the schema: $(cat valid)"
    "$trace" check -s $level.db >page 2>&1 || complain "check: $(cat page)"
done
# refused COMMAND WORDS: status 2, and the words in the message.
refused() {
    # shellcheck disable=SC2086
    "$trace" top $1 -s trace.db >page 2>&1
    [ $? -eq 2 ] && grep -qF -- "$2" page || complain "$1: $(cat page)"
}
refused '--per pool' '--per pool needs --pools'
refused '--pools --mapped' 'give one of them'
refused '--pools --per class' 'no size classes'
refused '--pools --by short-lived' '--by short-lived: with --pools there are'
refused '--pools --per pool --tree' 'a tree has'
# A pool that is destroyed and one that is named again and again: the sums stay those of its pieces.
cat >many.c <<'C'
#include <hakmem.h>
static char memory[64 * 64];
int main(void) {
    for (int i = 0; i < 3000 && hak_pool_create; i++) {
        hak_pool_create(memory, "request");
        for (int k = 0; k < 7; k++)
            hak_pool_alloc(memory, memory + 64 * k, 16);
        if (i % 3)
            hak_pool_destroy(memory);
    }
    return 0;
}
C
"${CC:-cc}" -O1 -g -I"$SOURCE/include" -o many many.c && "$trace" run --check trace -s many.db -- ./many || fail "many: status $?"
says many.db '--by calls --per pool' '21,000 | 336,000 | 0 | "request", 3,000 pools'
exit "$failed"

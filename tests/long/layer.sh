#!/usr/bin/env bash
# examples/layer built into hakmem: all agrees in each level, its moves are recorded, and the mistake of docs/allocator-authors.md is found at its first step.
# timeout: 3600
. "${SOURCE:?}/tests/tools/test.sh"
unset MAKEFLAGS MAKELEVEL
mkdir tree && cp -r "$SOURCE"/{Makefile,src,include,viewer,tools,docs,packaging} tree/ && cp "$SOURCE"/examples/layer/tray.[ch] tree/src/front/ || exit 2
(cd tree && GIT_CEILING_DIRECTORIES=$(dirname "$PWD") git apply "$SOURCE/examples/layer/tables.diff") || fail "tables.diff does not apply"
make -s -j2 -C tree BUILD="$PWD/built" CC="${CC:-cc}" all >made 2>&1 || { tail made; fail "it does not build"; }
"${CC:-cc}" -g -O0 -iquote "$SOURCE/include" -o swing "$SOURCE/examples/layer/swing.c" -lpthread || exit 1
trace=$PWD/built/hakmem-trace
for check in trace normal light; do
    "$trace" run --check $check -f -s swing.db -- ./swing >said 2>&1 && grep -qx 'all agrees' said || fail "level $check: $(cat said)"
    [ $check = light ] && continue
    "$trace" check -s swing.db >said 2>&1 || fail "level $check: $(cat said)"
    for kind in TRAY_PUT TRAY_TAKE TRAY_SPILL; do
        [ "$("$trace" sql -s swing.db "select count(*) from event where kind = '$kind'" | tail -n 1)" -gt 50 ] || fail "level $check: no $kind"
    done
    "$trace" layers -s swing.db | head -n 1 | grep -q ' tray ' || fail "layers does not show it"
done
[ "$(LD_PRELOAD=$PWD/built/libhakmem.so ./swing)" = 'all agrees' ] || fail "plain"

# The line of the page, in the place of the right one.
wrong=$(grep -x ' *tray_put(tray, ++kept == 7 .*;' "$SOURCE/docs/allocator-authors.md")
[ -n "$wrong" ] || fail "the page shows no mistake"
WRONG=$wrong python3 - <<'END' || fail "the page's mistake does not fit tray.c"
import os
text = open("tree/src/front/tray.c").read()
right = "        tray_put(tray, blocks[count - ++kept]);\n"
assert text.count(right) == 1
open("tree/src/front/tray.c", "w").write(text.replace(right, "    " + os.environ["WRONG"] + "\n"))
END
make -s -j2 -C tree BUILD="$PWD/built" CC="${CC:-cc}" all >made 2>&1 || { tail made; fail "it does not build with the mistake"; }
"$trace" run --check trace --layout header -f -s swing.db -- ./swing >said 2>&1
[ $? -eq 1 ] || fail "the mistake is not found: $(cat said)"
grep -A 2 'FIRST WRONG STEP' said | tr '\n' ' ' | grep -q 'TRAY_PUT took a user pointer instead of the base *#0 tray_put ' || fail "its first step is not named: $(cat said)"
grep -A 1 '  FOUND ' said | grep -q 'TRAY_TAKE read no header' || fail "it is not found at the tray's other end: $(cat said)"
"$trace" run --check normal -f -s swing.db -- ./swing >said 2>&1
[ $? -eq 1 ] && grep -q '^hakmem: HKM-101 wrong-layer-move: TRAY_PUT' said || fail "level normal: $(cat said)"

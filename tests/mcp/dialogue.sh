#!/usr/bin/env bash
# `hakmem-trace mcp` says exactly this: both kinds of initialisation, the list of tools, each tool, what a caller can do wrong, paths that
# lie elsewhere, messages that are none. UPDATE=1 writes dialogue.exact anew.
. "${SOURCE:?}/tests/tools/test.sh"
here=$SOURCE/tests/mcp
export BUILD LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
top=$PWD
mkdir -p captures/sub && cd captures || exit 2
"$BUILD/tests/cli/make_store" . || fail "make_store failed"
cp stale.db ../outside.db && cp stale.db sub/deep.db && cp stale.db ./-v.db || exit 2
ln -s ../outside.db link.db && ln -s .. away && ln -s stale.db inner.db && ln -s nowhere dangling.db || exit 2
echo 'no store' >text
cd "$top" || exit 2
sed 's/^server \(.*\)\.$/server \1captures/' "$here/dialogue.exact" >questions
python3 "$here/talk.py" questions captures >said 2>errors || { cat errors; exit 1; }
sed -i "s|$top|TOP|g; s/^server \(.*\)captures$/server \1./" said
[ ! -s errors ] || { cat errors; exit 1; }
if [ -n "${UPDATE-}" ]; then
    cp said "$here/dialogue.exact"
elif ! diff -u "$here/dialogue.exact" said; then
    echo "dialogue.sh: UPDATE=1 writes it anew"
    exit 1
fi
